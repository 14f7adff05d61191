;; if r1 != 0 goto ok
;; call bpf_throw
;; ok: r0 = 0
;; exit

f0:
  local.get r1
  i64.eqz
  i32.eqz
  if
    i64.const 0
    local.tee r0
    global.get 1
    global.get 1
    i64.load
    i64.const 3
    i64.sub
    i64.store
    return
  end
  global.get 0
  i32.const 5242881
  i32.store offset=12
  local.get r1
  global.get 1
  i64.load
  i64.const 2
  i64.sub
  i32.const 1
  call jit.throw
  unreachable
  unreachable
