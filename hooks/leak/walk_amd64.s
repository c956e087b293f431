//go:build gc && !cgo

#include "textflag.h"

// func walk(pcs []uintptr) int
//
// Each frame's pointer leads to the caller's: [fp] is the caller's frame
// pointer, [fp+8] the return address. The first frame of a goroutine has 0.
TEXT ·walk(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ pcs_base+0(FP), DI
	MOVQ pcs_len+8(FP), CX
	MOVQ BP, SI
	XORL AX, AX

next:
	TESTQ SI, SI
	JEQ   done
	CMPQ  AX, CX
	JGE   done
	MOVQ  8(SI), DX
	MOVQ  DX, (DI)(AX*8)
	INCQ  AX
	MOVQ  0(SI), SI
	JMP   next

done:
	MOVQ AX, ret+24(FP)
	RET
