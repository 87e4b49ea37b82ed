global rule small { condition: filesize < 100 }
rule anything { condition: true }
rule text { strings: $a = "a" condition: $a }
