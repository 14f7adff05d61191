;; 200 CPUs of 8192
;; call bpf_cpumask_first
;; exit

f0:
  block i64
    local.get r1
    i32.wrap_i64
    i64.load
    local.tee l11
    i64.eqz
    i32.eqz
    if
      local.get l11
      i64.ctz
      br 1
    end
    local.get r1
    i32.wrap_i64
    i64.load offset=8
    local.tee l11
    i64.eqz
    i32.eqz
    if
      local.get l11
      i64.ctz
      i64.const 64
      i64.add
      br 1
    end
    local.get r1
    i32.wrap_i64
    i64.load offset=16
    local.tee l11
    i64.eqz
    i32.eqz
    if
      local.get l11
      i64.ctz
      i64.const 128
      i64.add
      br 1
    end
    local.get r1
    i32.wrap_i64
    i64.load offset=24
    i64.const 256
    i64.or
    i64.ctz
    i64.const 192
    i64.add
  end
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 2
  i64.sub
  i64.store
  return
  unreachable
