;; r0 = 0
;; if r1 == 0 goto b
;; a: call bpf_ktime_get_ns
;; b: call bpf_jiffies64
;; if r0 != 5 goto a
;; exit

f0:
  global.get 1
  i64.load
  local.set l11
  block
    i64.const 0
    local.set r0
    local.get r1
    i64.eqz
    if
      i32.const 1
      local.set l12
      br 1
    end
    i32.const 0
    local.set l12
  end
  block
    loop
      block
        loop
          block
            block
              local.get l12
              br_table 0 1
            end
            global.get 0
            i32.const 5242882
            i32.store offset=12
            call kernel.bpf_ktime_get_ns
            local.set r0
            i32.const 1
            local.set l12
            local.get l11
            i64.const 1
            i64.sub
            local.tee l11
            i64.const 0
            i64.lt_s
            br_if 2
            br 1
          end
          global.get 0
          i32.const 5242883
          i32.store offset=12
          call kernel.bpf_jiffies64
          local.tee r0
          i64.const 5
          i64.ne
          i32.eqz
          br_if 3
          i32.const 0
          local.set l12
          local.get l11
          i64.const 2
          i64.sub
          local.tee l11
          i64.const 0
          i64.lt_s
          br_if 1
          br 0
        end
      end
      local.get l11
      i32.const 0
      call jit.budget
      local.set l11
      br 0
    end
  end
  local.get r0
  global.get 1
  local.get l11
  i64.const 5
  i64.sub
  i64.store
  return
  unreachable
