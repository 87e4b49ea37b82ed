package yara

// operator gives what a sign between two expressions means, and its level.
func operator(sign string) (o op, level int) {
	switch sign {
	case "==":
		return opEqual, 0
	case "!=":
		return opUnequal, 0
	case "<":
		return opLess, 1
	case "<=":
		return opLessEqual, 1
	case ">":
		return opGreater, 1
	case ">=":
		return opGreaterEqual, 1
	}
	return arithmeticOperator(sign)
}

func arithmeticOperator(sign string) (o op, level int) {
	switch sign {
	case "|":
		return opBitOr, 2
	case "^":
		return opBitXor, 3
	case "&":
		return opBitAnd, 4
	case "<<":
		return opShiftLeft, 5
	case ">>":
		return opShiftRight, 5
	case "+":
		return opAdd, 6
	case "-":
		return opSubtract, 6
	case "*":
		return opMultiply, 7
	case "\\":
		return opDivide, 7
	case "%":
		return opModulo, 7
	}
	return 0, -1
}
