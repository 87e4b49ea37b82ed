import "pe"
include "other.yar"
rule uses_pe { condition: pe.is_dll() }
rule entry { condition: entrypoint == 0 }
rule xored { strings: $a = "text" xor condition: $a }
rule encoded { strings: $a = "text" base64 condition: $a }
rule hex_open { strings: $a = { 61 [10-] 62 } condition: $a }
rule hex_bad { strings: $a = { 61 6 } condition: $a }
rule hex_ends { strings: $a = { 61 [2] } condition: $a }
rule back { strings: $a = /(a)\1/ condition: $a }
rule look { strings: $a = /(?=a)b/ condition: $a }
rule empty_regex { strings: $a = /a*/ condition: $a }
rule unused { strings: $a = "text" $b = "more" condition: $a }
rule unknown { condition: $x }
rule length { strings: $a = "text" condition: !a > 1 }
rule percent { strings: $a = "text" condition: 50% of them }
rule rule_set { condition: any of (unused, length) }
rule asks_refused { condition: unknown }
rule external { condition: my_variable == 1 }
rule text_condition { strings: $a = "text" condition: $a and "x" contains "y" }
rule twice { condition: true }
rule twice { condition: false }
rule no_end { strings: $a = "text
  condition: $a }
rule mixed { strings: $a = "text" condition: $a + 1 == 2 }
rule fraction { condition: filesize > 1.5 }
rule modifier { strings: $a = { 61 62 } nocase condition: $a }
rule boundary { strings: $a = /\bab/ wide condition: $a }
rule module_loop { condition: for any s in pe.sections : ( true ) }
rule huge { strings: $a = /(a{4000}){4000}/ condition: $a }
rule bad_escape { strings: $a = "a\q" condition: $a }
rule before_comment { condition: $nothing }
/*
rule in_comment { condition: true }
*/
rule before_text { strings: $b = "/*" $r = /a\/"*/ condition: $b and $r and $c }
// rule in_line { condition: true }
rule good { strings: $a = "text" condition: $a }
rule 1bad { condition: true }
rule no_brace { condition: true
rule last_good { condition: good }
rule open_comment { condition: true /* }
