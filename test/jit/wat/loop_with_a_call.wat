;; r6 = r1
;; r7 = 0
;; l: call bpf_ktime_get_ns
;; r7 += r0
;; r6 -= 1
;; if r6 != 0 goto l
;; r0 = r7
;; exit

f0:
  global.get 1
  i64.load
  local.set l11
  local.get r1
  local.set r6
  i64.const 0
  local.set r7
  block
    loop
      block
        loop
          global.get 0
          i32.const 5242882
          i32.store offset=12
          call kernel.bpf_ktime_get_ns
          local.set r0
          local.get r7
          local.get r0
          i64.add
          local.set r7
          local.get r6
          i64.const 1
          i64.sub
          local.tee r6
          i64.eqz
          br_if 3
          local.get l11
          i64.const 4
          i64.sub
          local.tee l11
          i64.const 0
          i64.lt_s
          br_if 1
          br 0
        end
      end
      local.get l11
      i32.const 2
      call jit.budget
      local.set l11
      br 0
    end
  end
  local.get r7
  local.tee r0
  global.get 1
  local.get l11
  i64.const 8
  i64.sub
  i64.store
  return
  unreachable
