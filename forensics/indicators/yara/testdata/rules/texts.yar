// Texts in all forms.
rule plain { strings: $a = "stratum+tcp://" condition: $a }
rule wide_only { strings: $a = "Config" wide condition: $a }
rule both : tag1 tag2 { meta: author = "us" level = -3 on = true strings: $a = "Config" wide ascii condition: $a }
rule folded { strings: $a = "cOnFiG" nocase condition: #a > 1 }
rule nocase_wide { strings: $a = "CONFIG" nocase wide condition: $a }
rule whole_word { strings: $a = "cat" fullword condition: #a >= 1 }
rule fullword_wide { strings: $a = "cat" wide fullword nocase condition: #a >= 1 }
rule escapes { strings: $a = "tab\there \"q\" \\ \x00\xff" condition: $a }
rule overlap { strings: $a = "aaaa" condition: #a > 3 }
rule short_one { strings: $a = "Z" condition: #a == 1 }
rule short_two { strings: $a = "Zq" condition: $a }
rule short_three { strings: $a = "Zqx" nocase condition: $a }
rule edge_first { strings: $a = "FIRST" condition: $a at 0 }
rule edge_last { strings: $a = "LAST" condition: $a at filesize - 4 }
private rule hidden { strings: $a = "stratum" condition: $a }
rule uses_hidden { condition: hidden and not plain or hidden }
rule private_string { strings: $a = "stratum" private $b = "tcp" condition: $a and $b }
rule anonymous { strings: $ = "stratum" $ = "Config" condition: all of them }
