;; map: array
;; r2 = r1
;; r1 = map(map)
;; call bpf_map_lookup_elem
;; exit

f0:
  local.get r1
  local.set r2
  i64.const -131391637148816
  local.set r1
  local.get r2
  i32.wrap_i64
  i32.load
  local.tee l11
  i32.const 4
  i32.lt_u
  if i64
    local.get l11
    i32.const 8
    i32.mul
    i32.const 2371728
    i32.add
    i64.extend_i32_u
    i64.const -131391639519232
    i64.or
  else
    i64.const 0
  end
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 4
  i64.sub
  i64.store
  return
  unreachable
