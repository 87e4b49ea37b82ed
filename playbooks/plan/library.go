package plan

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
	"cel.dev/cel-go/parser"
)

// Library is what every expression may use besides the variables: CEL's standard functions, those on texts and lists, and
// Firebreak's own. None of them reads a clock or a random source.
func Library() []cel.EnvOption {
	options := []cel.EnvOption{
		ext.Strings(ext.StringsVersion(4)),
		ext.Lists(ext.ListsVersion(3)),
		cel.Macros(cel.ReceiverMacro("flatMap", 2, flatMap)),
		cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true),
		cel.ParserExpressionSizeLimit(MaxExpression),
		cel.ParserRecursionLimit(100),
	}
	for _, language := range Languages() {
		options = append(options, quoting(language))
	}
	return append(options, sortedKeysFunction())
}

// flatMap makes list.flatMap(x, e) of list.map(x, e).flatten().
func flatMap(f cel.MacroExprFactory, target ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
	mapped, err := parser.MakeMap(f, target, args)
	if err != nil {
		return nil, err
	}
	return f.NewMemberCall("flatten", mapped), nil
}

// quoting is the function that makes data of an attacker's words in that language, such as promql.quote(text).
func quoting(language string) cel.EnvOption {
	name := language + ".quote"
	return cel.Function(name, cel.Overload(language+"_quote_string", []*cel.Type{cel.StringType}, cel.StringType,
		cel.UnaryBinding(func(v ref.Val) ref.Val {
			text, ok := v.(types.String)
			if !ok {
				return types.MaybeNoSuchOverloadErr(v)
			}
			quoted, err := Quote(language, string(text))
			if err != nil {
				return types.WrapErr(err)
			}
			return types.String(quoted)
		})))
}

// sortedKeysFunction is the way to walk over a map: sortedKeys(map) gives its keys in sorted order.
func sortedKeysFunction() cel.EnvOption {
	value := cel.TypeParamType("V")
	return cel.Function("sortedKeys", cel.Overload("sorted_keys_map", []*cel.Type{cel.MapType(cel.StringType, value)}, cel.ListType(cel.StringType),
		cel.UnaryBinding(func(v ref.Val) ref.Val {
			data, err := plain(v)
			if err != nil {
				return types.WrapErr(err)
			}
			m, ok := data.(map[string]any)
			if !ok {
				return types.MaybeNoSuchOverloadErr(v)
			}
			return types.NewStringList(types.DefaultTypeAdapter, sortedKeys(m))
		})))
}
