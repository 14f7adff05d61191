;; map: prog_array
;; r2 = map(map)
;; r3 = 1
;; call bpf_tail_call
;; r0 = 7
;; exit

f0:
  global.get 1
  i64.load
  local.tee l11
  i64.const 0
  i64.lt_s
  if
    local.get l11
    i32.const 0
    call jit.budget
    local.set l11
  end
  i64.const -131391637148816
  local.set r2
  i64.const 1
  local.set r3
  global.get 0
  i32.const 5242883
  i32.store offset=12
  local.get r2
  i32.wrap_i64
  local.get r3
  i32.wrap_i64
  call kernel.fd_array_map_lookup
  local.tee l12
  i32.eqz
  i32.eqz
  global.get 1
  i32.const 8
  i32.add
  i32.load
  local.tee l13
  i32.const 33
  i32.lt_u
  i32.and
  if
    global.get 1
    i32.const 8
    i32.add
    local.get l13
    i32.const 1
    i32.add
    i32.store
    local.get l12
    call kernel.enter_prog
    global.get 1
    local.get l11
    i64.const 3
    i64.sub
    i64.store
    local.get r1
    i64.const 0
    i64.const 0
    i64.const 0
    i64.const 0
    local.get frame
    local.get l12
    i32.load offset=44
    call_indirect (i64 i64 i64 i64 i64 i32) -> (i64) table 0
    i32.const 2000
    call kernel.enter_prog
    return
  end
  i64.const 7
  local.tee r0
  global.get 1
  local.get l11
  i64.const 5
  i64.sub
  i64.store
  return
  unreachable
