;; 200 CPUs of 8192
;; call bpf_cpumask_weight
;; exit

f0:
  local.get r1
  i32.wrap_i64
  i64.load
  i64.popcnt
  local.get r1
  i32.wrap_i64
  i64.load offset=8
  i64.popcnt
  i64.add
  local.get r1
  i32.wrap_i64
  i64.load offset=16
  i64.popcnt
  i64.add
  local.get r1
  i32.wrap_i64
  i64.load offset=24
  i64.const 255
  i64.and
  i64.popcnt
  i64.add
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 2
  i64.sub
  i64.store
  return
  unreachable
