;; call bpf_cpumask_clear_cpu
;; r0 = 0
;; exit

f0:
  local.get r1
  i32.wrap_i64
  local.tee l11
  i32.const 4
  i32.lt_u
  if
    local.get r2
    i32.wrap_i64
    local.get l11
    i32.const 5
    i32.shr_u
    i32.const 2
    i32.shl
    i32.add
    local.set l12
    block
      local.get l12
      local.get l12
      i32.load
      local.tee l13
      local.get l13
      i32.const -2
      local.get l11
      i32.rotl
      i32.and
      i32.atomic.rmw.cmpxchg
      local.get l13
      i32.eq
      br_if 0
      loop
        i32.const 256
        local.set l14
        loop
          local.get l14
          i32.const -1
          i32.add
          local.tee l14
          br_if 0
        end
        local.get l12
        local.get l12
        i32.load
        local.tee l13
        local.get l13
        i32.const -2
        local.get l11
        i32.rotl
        i32.and
        i32.atomic.rmw.cmpxchg
        local.get l13
        i32.ne
        br_if 0
      end
    end
    local.get l13
    drop
  end
  i64.const 0
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 3
  i64.sub
  i64.store
  return
  unreachable
