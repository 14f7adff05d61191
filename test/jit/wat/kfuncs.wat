;; call bpf_cpumask_create
;; if r0 == 0 goto out
;; r1 = r0
;; call bpf_cpumask_weight
;; out: exit

f0:
  global.get 1
  i64.load
  local.set l11
  block
    global.get 0
    i32.const 5242880
    i32.store offset=12
    call kernel.bpf_cpumask_create
    local.tee l12
    i64.extend_i32_u
    i64.const -131391639519232
    i64.or
    i64.const 0
    local.get l12
    select
    local.tee r0
    i64.eqz
    if
      local.get l11
      i64.const -2
      i64.sub
      local.set l11
      br 1
    end
    local.get r0
    local.tee r1
    i32.wrap_i64
    i64.load
    i64.popcnt
    local.set r0
  end
  local.get r0
  global.get 1
  local.get l11
  i64.const 5
  i64.sub
  i64.store
  return
  unreachable
