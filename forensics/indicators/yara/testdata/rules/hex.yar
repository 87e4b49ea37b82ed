rule bytes { strings: $a = { 7F 45 4C 46 } condition: $a at 0 }
rule nibbles { strings: $a = { 7F 4? ?C 46 } condition: $a }
rule wild { strings: $a = { 7F ?? 4C ?? 02 } condition: $a }
rule fixed_jump { strings: $a = { 7F 45 [2] 02 01 } condition: $a }
rule jump { strings: $a = { 61 62 [1-6] 79 7A } condition: #a > 0 }
rule jump_zero { strings: $a = { 61 62 [0-2] 63 } condition: #a > 0 }
rule alternatives { strings: $a = { 61 ( 62 63 | 78 ?? | 71 72 73 ) 64 } condition: #a > 0 }
rule nested { strings: $a = { ( 61 | 62 ( 63 | 64 65 ) ) 66 67 } condition: #a > 0 }
rule comments { strings: $a = { 61 /* } */ 62 // }
  63 } condition: $a }
rule long_jump { strings: $a = { 53 54 41 52 54 [0-300] 45 4E 44 } condition: $a }
rule no_atom { strings: $a = { 4? 4? 4? ?6 } condition: #a > 0 }
