rule t1 { condition: filesize > 10 and filesize < 1MB }
rule t2 { condition: uint32(0) == 0x464c457f }
rule t3 { condition: uint16be(0) == 0x7f45 or uint8(1) == 0x45 }
rule t4 { condition: int8(20000000) == 0 }
rule t5 { condition: not int8(20000000) == 0 }
rule t6 { condition: defined int8(20000000) }
rule t7 { condition: not defined uint8(0) }
rule t8 { strings: $a = "a" $b = "b" $c = "neverthere" condition: any of them }
rule t9 { strings: $a = "a" $b = "b" $c = "neverthere" condition: all of them }
rule t10 { strings: $a = "a" $b = "b" $c = "neverthere" condition: 2 of them }
rule t11 { strings: $a1 = "a" $a2 = "b" $c = "neverthere" condition: all of ($a*) and not $c }
rule t12 { strings: $a1 = "neverthere1" $a2 = "neverthere2" condition: none of them }
rule t13 { strings: $a = "aa" condition: #a > 2 and @a < 5000 }
rule t14 { strings: $a = "aa" condition: @a[2] == @a[1] + 1 }
rule t15 { strings: $a = "aa" condition: for any i in (1..#a) : ( @a[i] == 3 ) }
rule t16 { strings: $a = "aa" condition: for all i in (1..#a) : ( @a[i] < filesize ) }
rule t17 { strings: $a = "a" $b = "b" condition: for any of them : ( # > 3 ) }
rule t18 { strings: $a = "a" $b = "b" condition: for all of ($a, $b) : ( $ in (0..100) ) }
rule t19 { strings: $a = "a" condition: #a in (0..50) > 1 }
rule t20 { strings: $a = "FIRST" condition: $a in (0..10) }
rule t21 { condition: 7 \ 2 == 3 and 7 % 4 == 3 and 1 << 4 == 16 and 0xF0 & 0x3C == 0x30 and 5 ^ 1 == 4 and ~0 == -1 and 6 | 1 == 7 }
rule t22 { condition: 1 + 2 * 3 == 7 and -(2 - 3) == 1 and 10 - 3 - 2 == 5 }
rule t23 { condition: for any i in (0, 4, 16) : ( uint8(i) == 0x02 ) }
rule t24 { condition: for 2 i in (0..3) : ( uint8(i) > 0x44 ) }
rule t25 { strings: $a = "a" condition: not $a and filesize < 100 }
rule t26 { condition: false or (true and not false) }
rule t27 { strings: $a = "zz-not-there" condition: @a == 0 }
rule t28 { strings: $a = "zz-not-there" condition: not @a == 0 }
rule t29 { condition: uint32(filesize) == 1 or true }
rule t30 { condition: filesize }
rule t31 { strings: $a = "a" $b = "b" condition: any of them in (0..3) }
rule t32 { condition: uint32be(0) != 0 }
rule t33 { strings: $a = "a" $b = "qqqqqq" condition: for none of them : ( # > 100000 ) }
rule t34 { condition: t1 and t2 }
rule t35 { strings: $a = "a" condition: #a * 2 > 4 and #a != 0x3 }
rule t36 { condition: 0x10 == 16 and 0o17 == 15 and 1KB == 1024 }
rule t37 { condition: for all i in (5..1) : ( false ) }
rule t38 { condition: for any i in (1..2) : ( for any j in (i..3) : ( i + j == 5 ) ) }
rule t39 { strings: $a = "a" $b = "neverthere" condition: 0 of them }
rule t40 { condition: not (int8(20000000) == 0 and true) }
rule t41 { condition: (1 == 1) and not false and not not true }
rule t42 { condition: int16(2) < 0 or int32be(4) < 0 }
rule t43 { condition: 1 << 65 == 0 and 1 >> 65 == 0 }
rule t44 { strings: $a = "a" $b = "neverthere" condition: for 0 of them : ( $ ) }
rule t45 { condition: for none i in (5..1) : ( true ) }
rule t46 { condition: for 0 i in (5..1) : ( true ) }
rule t47 { strings: $a = "zz-not-there" $b = "b" condition: #a of them }
rule t48 { strings: $a = "zz-not-there" condition: (1 - 1) of ($a) }
rule t49 { condition: for any i in (filesize..uint8(99999999)) : ( true ) }
rule t50 { condition: not for any i in (0..uint8(99999999)) : ( true ) }
rule t51 { strings: $a = "zz-not-there" condition: not $a at uint8(99999999) }
rule t52 { strings: $a = "zz-not-there" condition: not $a in (0..uint8(99999999)) }
rule t53 { condition: not (uint8(99999999) > 0) or false }
rule t54 { condition: for all i in (0, uint8(99999999)) : ( true ) }
rule t55 { condition: -1 < 0 and 9 \ (filesize - filesize) == 1 or not 9 % (filesize - filesize) == 1 }
rule t56 { condition: 2 + uint8(99999999) > 0 or not defined (2 + uint8(99999999)) }
rule t57 { strings: $a = "a" condition: not any of them in (0..uint8(99999999)) }
