;; call bpf_cpumask_any_distribute
;; exit

f0:
  local.get r1
  i32.wrap_i64
  i64.load
  local.tee l11
  i64.const -1
  global.get 0
  i64.load32_u offset=4
  i64.shl
  i64.const 1
  i64.shl
  i64.and
  local.tee l12
  local.get l11
  local.get l12
  i64.eqz
  i32.eqz
  select
  i64.ctz
  local.tee l11
  i64.const 4
  i64.lt_u
  if
    global.get 0
    local.get l11
    i64.store32 offset=4
  end
  local.get l11
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 2
  i64.sub
  i64.store
  return
  unreachable
