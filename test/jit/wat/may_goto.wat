;; r0 = 0
;; l: may_goto out
;; r0 += 1
;; call bpf_ktime_get_ns
;; goto l
;; out: exit

f0:
  global.get 1
  i64.load
  local.set l11
  i32.const 8388608
  local.set l12
  i64.const 0
  local.set r0
  block
    loop
      block
        loop
          local.get l12
          i32.eqz
          local.get l12
          local.get l12
          i32.const 0
          i32.ne
          i32.sub
          local.set l12
          br_if 3
          local.get r0
          i64.const 1
          i64.add
          local.set r0
          global.get 0
          i32.const 5242883
          i32.store offset=12
          call kernel.bpf_ktime_get_ns
          local.set r0
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
      i32.const 1
      call jit.budget
      local.set l11
      br 0
    end
  end
  local.get r0
  global.get 1
  local.get l11
  i64.const 3
  i64.sub
  i64.store
  return
  unreachable
