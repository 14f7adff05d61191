;; call bpf_rcu_read_unlock
;; r0 = 0
;; exit

f0:
  global.get 0
  i32.load offset=80
  local.tee l11
  i32.const 1
  i32.le_u
  if
    global.get 0
    i32.const 5242880
    i32.store offset=12
    call kernel.bpf_rcu_read_unlock
  else
    global.get 0
    local.get l11
    i32.const -1
    i32.add
    i32.store offset=80
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
