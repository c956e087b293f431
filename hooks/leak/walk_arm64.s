//go:build gc

#include "textflag.h"

// func walk(pcs []uintptr) int
//
// Each frame's pointer leads to the caller's: [fp] is the caller's frame
// pointer, [fp+8] the return address. The first frame of a goroutine has 0.
//
// A goroutine (g) begins with the bounds of its stack, lo and hi. A frame
// pointer is followed only upwards and below hi, because below a function that
// C has called it may be anything.
TEXT ·walk(SB), NOSPLIT|NOFRAME, $0-32
	MOVD pcs_base+0(FP), R0
	MOVD pcs_len+8(FP), R1
	MOVD 8(g), R5
	SUB  $16, R5, R5      // both words of a frame are below hi
	MOVD RSP, R6
	SUB  $16, R6, R6      // the first frame pointer may be just below SP
	MOVD R29, R2
	MOVD ZR, R3

next:
	CMP  R6, R2
	BLS  done             // not above the last one, or 0
	CMP  R5, R2
	BHI  done
	CMP  R1, R3
	BGE  done
	MOVD 8(R2), R4
	MOVD R4, (R0)(R3<<3)
	ADD  $1, R3
	MOVD R2, R6
	MOVD (R2), R2
	B    next

done:
	MOVD R3, ret+24(FP)
	RET
