;; r0 = 0
;; outer: r6 = r2
;; inner: call bpf_jiffies64
;; r6 -= 1
;; if r6 != 0 goto inner
;; r1 -= 1
;; if r1 != 0 goto outer
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
          local.get r2
          local.set r6
          block
            loop
              block
                loop
                  global.get 0
                  i32.const 5242882
                  i32.store offset=12
                  call kernel.bpf_jiffies64
                  local.set r0
                  local.get r6
                  i64.const 1
                  i64.sub
                  local.tee r6
                  i64.eqz
                  br_if 3
                  local.get l11
                  i64.const 3
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
          local.get r1
          i64.const 1
          i64.sub
          local.tee r1
          i64.eqz
          br_if 3
          local.get l11
          i64.const 6
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
  i64.const 8
  i64.sub
  i64.store
  return
  unreachable
