;; call bpf_cpumask_populate
;; exit

f0:
  local.get r3
  i64.const 8
  i64.lt_u
  if i32
    i32.const -13
  else
    local.get r1
    i32.wrap_i64
    local.get r2
    i32.wrap_i64
    i64.load
    i64.store
    i32.const 0
  end
  i64.extend_i32_u
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 2
  i64.sub
  i64.store
  return
  unreachable
