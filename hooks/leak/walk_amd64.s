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
	MOVQ pcs_base+0(FP), DI
	MOVQ pcs_len+8(FP), CX
	MOVQ TLS, R9
	MOVQ 0(R9)(TLS*1), R8
	MOVQ 8(R8), R8
	SUBQ $16, R8          // both words of a frame are below hi
	MOVQ SP, R9
	MOVQ BP, SI
	XORL AX, AX

next:
	CMPQ SI, R9
	JLS  done             // not above the last one, or 0
	CMPQ SI, R8
	JHI  done
	CMPQ AX, CX
	JGE  done
	MOVQ 8(SI), DX
	MOVQ DX, (DI)(AX*8)
	INCQ AX
	MOVQ SI, R9
	MOVQ 0(SI), SI
	JMP  next

done:
	MOVQ AX, ret+24(FP)
	RET
