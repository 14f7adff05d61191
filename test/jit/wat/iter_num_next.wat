;; call bpf_iter_num_next
;; exit

f0:
  local.get r1
  i32.wrap_i64
  i64.load32_s
  i64.const 1
  i64.add
  local.tee l11
  local.get r1
  i32.wrap_i64
  i64.load32_s offset=4
  i64.lt_s
  if i64
    local.get r1
    i32.wrap_i64
    local.get l11
    i64.store32
    local.get r1
  else
    local.get r1
    i32.wrap_i64
    i64.const 0
    i64.store
    i64.const 0
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
