;; r0 = 0
;; l: r0 += r1
;; r1 *= r2
;; r3 ^= r1
;; r4 += r3
;; r5 -= r4
;; r0 ^= r5
;; r0 *= 3
;; r1 += 1
;; r2 ^= r0
;; r3 += r2
;; r4 -= 7
;; r5 += 9
;; r0 -= r4
;; r1 ^= r5
;; r2 *= 5
;; r3 ^= 6
;; r4 += r2
;; r5 ^= r1
;; r0 += r3
;; r1 -= r4
;; r2 += 1
;; r3 -= r5
;; r4 ^= r0
;; r5 += r1
;; if r1 != 0 goto l
;; exit

f0:
  global.get 1
  i64.load
  local.set l11
  i64.const 0
  local.set r0
  block
    loop
      block
        loop
          local.get r0
          local.get r1
          i64.add
          local.set r0
          local.get r1
          local.get r2
          i64.mul
          local.set r1
          local.get r3
          local.get r1
          i64.xor
          local.set r3
          local.get r4
          local.get r3
          i64.add
          local.set r4
          local.get r5
          local.get r4
          i64.sub
          local.set r5
          local.get r0
          local.get r5
          i64.xor
          local.tee r0
          i64.const 3
          i64.mul
          local.set r0
          local.get r1
          i64.const 1
          i64.add
          local.set r1
          local.get r2
          local.get r0
          i64.xor
          local.set r2
          local.get r3
          local.get r2
          i64.add
          local.set r3
          local.get r4
          i64.const 7
          i64.sub
          local.set r4
          local.get r5
          i64.const 9
          i64.add
          local.set r5
          local.get r0
          local.get r4
          i64.sub
          local.set r0
          local.get r1
          local.get r5
          i64.xor
          local.set r1
          local.get r2
          i64.const 5
          i64.mul
          local.set r2
          local.get r3
          i64.const 6
          i64.xor
          local.set r3
          local.get r4
          local.get r2
          i64.add
          local.set r4
          local.get r5
          local.get r1
          i64.xor
          local.set r5
          local.get r0
          local.get r3
          i64.add
          local.set r0
          local.get r1
          local.get r4
          i64.sub
          local.set r1
          local.get r2
          i64.const 1
          i64.add
          local.set r2
          local.get r3
          local.get r5
          i64.sub
          local.set r3
          local.get r4
          local.get r0
          i64.xor
          local.set r4
          local.get r5
          local.get r1
          i64.add
          local.set r5
          local.get r1
          i64.eqz
          br_if 3
          local.get r0
          local.get r1
          i64.add
          local.set r0
          local.get r1
          local.get r2
          i64.mul
          local.set r1
          local.get r3
          local.get r1
          i64.xor
          local.set r3
          local.get r4
          local.get r3
          i64.add
          local.set r4
          local.get r5
          local.get r4
          i64.sub
          local.set r5
          local.get r0
          local.get r5
          i64.xor
          local.tee r0
          i64.const 3
          i64.mul
          local.set r0
          local.get r1
          i64.const 1
          i64.add
          local.set r1
          local.get r2
          local.get r0
          i64.xor
          local.set r2
          local.get r3
          local.get r2
          i64.add
          local.set r3
          local.get r4
          i64.const 7
          i64.sub
          local.set r4
          local.get r5
          i64.const 9
          i64.add
          local.set r5
          local.get r0
          local.get r4
          i64.sub
          local.set r0
          local.get r1
          local.get r5
          i64.xor
          local.set r1
          local.get r2
          i64.const 5
          i64.mul
          local.set r2
          local.get r3
          i64.const 6
          i64.xor
          local.set r3
          local.get r4
          local.get r2
          i64.add
          local.set r4
          local.get r5
          local.get r1
          i64.xor
          local.set r5
          local.get r0
          local.get r3
          i64.add
          local.set r0
          local.get r1
          local.get r4
          i64.sub
          local.set r1
          local.get r2
          i64.const 1
          i64.add
          local.set r2
          local.get r3
          local.get r5
          i64.sub
          local.set r3
          local.get r4
          local.get r0
          i64.xor
          local.set r4
          local.get r5
          local.get r1
          i64.add
          local.set r5
          local.get r1
          i64.eqz
          i32.eqz
          if
            local.get r0
            local.get r1
            i64.add
            local.set r0
            local.get r1
            local.get r2
            i64.mul
            local.set r1
            local.get r3
            local.get r1
            i64.xor
            local.set r3
            local.get r4
            local.get r3
            i64.add
            local.set r4
            local.get r5
            local.get r4
            i64.sub
            local.set r5
            local.get r0
            local.get r5
            i64.xor
            local.tee r0
            i64.const 3
            i64.mul
            local.set r0
            local.get r1
            i64.const 1
            i64.add
            local.set r1
            local.get r2
            local.get r0
            i64.xor
            local.set r2
            local.get r3
            local.get r2
            i64.add
            local.set r3
            local.get r4
            i64.const 7
            i64.sub
            local.set r4
            local.get r5
            i64.const 9
            i64.add
            local.set r5
            local.get r0
            local.get r4
            i64.sub
            local.set r0
            local.get r1
            local.get r5
            i64.xor
            local.set r1
            local.get r2
            i64.const 5
            i64.mul
            local.set r2
            local.get r3
            i64.const 6
            i64.xor
            local.set r3
            local.get r4
            local.get r2
            i64.add
            local.set r4
            local.get r5
            local.get r1
            i64.xor
            local.set r5
            local.get r0
            local.get r3
            i64.add
            local.set r0
            local.get r1
            local.get r4
            i64.sub
            local.set r1
            local.get r2
            i64.const 1
            i64.add
            local.set r2
            local.get r3
            local.get r5
            i64.sub
            local.set r3
            local.get r4
            local.get r0
            i64.xor
            local.set r4
            local.get r5
            local.get r1
            i64.add
            local.set r5
            local.get r1
            i64.eqz
            i32.eqz
            if
              local.get l11
              i64.const 75
              i64.sub
              local.tee l11
              i64.const 0
              i64.lt_s
              br_if 3
              br 2
            end
            local.get l11
            i64.const 50
            i64.sub
            local.set l11
            br 4
          end
          local.get l11
          i64.const 25
          i64.sub
          local.set l11
          br 3
        end
      end
      local.get l11
      i32.const 1
      call jit.budget
      local.set l11
      br 0
    end
  end
  local.get r0
  global.get 1
  local.get l11
  i64.const 27
  i64.sub
  i64.store
  return
  unreachable
