;; map: hash
;; r2 = r1
;; r1 = map(map)
;; call bpf_map_lookup_elem
;; exit

f0:
  local.get r1
  local.set r2
  i64.const -131391637148816
  local.set r1
  global.get 0
  i32.const 5242883
  i32.store offset=12
  local.get r1
  i32.wrap_i64
  local.get r2
  i32.wrap_i64
  call kernel.bpf_map_lookup_elem
  local.tee l11
  i64.extend_i32_u
  i64.const -131391639519232
  i64.or
  i64.const 0
  local.get l11
  select
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 4
  i64.sub
  i64.store
  return
  unreachable
