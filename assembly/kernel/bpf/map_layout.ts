/**
 * Layout of maps, special-field records, local types, tasks' field table, deferred work and the printk ring in simulated
 * memory. Like layout.ts: untyped integer constants, read by AssemblyScript and TypeScript.
 */

/**
 * A map's address is that of `struct bpf_map` as the profile's BTF lays it out (read only, for programs that look at
 * `map->max_entries`); that part has this many bytes. What the data plane uses follows: BM_ offsets from the map's address.
 */
export const BPF_MAP_KERNEL_SIZE = 1024;
/** enum bpf_map_type. u32 each up to BM_MAP_EXTRA. */
export const BM_TYPE = 1024;
export const BM_KEY_SIZE = 1028;
export const BM_VALUE_SIZE = 1032;
export const BM_MAX_ENTRIES = 1036;
export const BM_FLAGS = 1040;
export const BM_ID = 1044;
/** Bytes from one value to the next: arrays round_up(value_size, 8), hashes the whole element. */
export const BM_ELEM_SIZE = 1048;
/** struct btf_record * of the value; 0 when it has no special field. */
export const BM_RECORD = 1052;
/** Offset of the bpf_spin_lock in the value; NO_FIELD when there is none. */
export const BM_SPIN_LOCK_OFF = 1056;
/** Array data, hash elements, ring pages: by type. */
export const BM_STORAGE = 1060;
/** max_entries or bucket count, rounded up to a power of two, minus one. */
export const BM_INDEX_MASK = 1064;
/** Every map of the machine in creation order: next one. Head at M_MAPS. */
export const BM_NEXT = 1068;
/** Elements in the map now, where the type counts them. */
export const BM_COUNT = 1072;
/** BPF_MAP_FREEZE was done. */
export const BM_FROZEN = 1076;
/** Maps of maps: the template; 0 for others. */
export const BM_INNER = 1080;
/** Bytes of the value that hold data (value_size rounded up to 8 for per-CPU types): what copies use. */
export const BM_MAP_EXTRA = 1088;
/** Offsets from here on belong to the map type. */
export const BM_PRIV = 1096;
/** sizeof of the whole. */
export const BPF_MAP_SIZE = 1256;

export const NO_FIELD = 0xffffffff;

/** Hash types, BM_PRIV on. Buckets are HTAB_BUCKET_SIZE bytes: first element u32, lock u32. */
export const HTAB_BUCKETS = 1096;
export const HTAB_N_BUCKETS = 1100;
export const HTAB_SEED = 1104;
/** Per-CPU freelists (u32 head, u32 lock each) of a preallocated map. */
export const HTAB_FREELIST = 1108;
/** Per-CPU spare element that an overwrite swaps in. */
export const HTAB_EXTRA = 1112;
/** Elements of a map without preallocation that wait for reuse: first one, lock. */
export const HTAB_REUSE = 1116;
export const HTAB_REUSE_LOCK = 1120;
/** Value offset in an element: HE_KEY + round_up(key_size, 8). */
export const HTAB_VALUE_OFF = 1124;
/** Elements that exist (preallocated: elements + spares). */
export const HTAB_NR_ELEMS = 1128;
/** LRU types: struct bpf_lru. */
export const HTAB_LRU = 1132;
/** Every element chunk of a map without preallocation. */
export const HTAB_CHUNKS = 1136;
export const HTAB_BUCKET_SIZE = 8;
/** struct htab_elem: next in bucket, hash, link (freelist, chunk chain), LRU node, key. */
export const HE_NEXT = 0;
export const HE_HASH = 4;
export const HE_LINK = 8;
export const HE_CHUNK = 12;
/** struct bpf_lru_node: list next, prev (u32), cpu u16, type u8, ref u8. */
export const HE_LRU = 16;
export const HE_KEY = 32;

/** Queue and stack, BM_PRIV on: head, tail, lock. Size is max_entries + 1. */
export const QS_HEAD = 1096;
export const QS_TAIL = 1100;
export const QS_LOCK = 1104;

/** Ring buffer, BM_PRIV on. Positions are u64; the ring lies at RB_DATA, which is page aligned, twice its size. */
export const RB_CONSUMER_POS = 1096;
export const RB_PRODUCER_POS = 1104;
export const RB_PENDING_POS = 1112;
export const RB_DATA = 1120;
export const RB_MASK = 1124;
export const RB_LOCK = 1128;
export const RB_HDR_SIZE = 8;
export const RB_BUSY_BIT = 0x80000000;
export const RB_DISCARD_BIT = 0x40000000;

/** LPM trie, BM_PRIV on. */
export const LPM_ROOT = 1096;
export const LPM_LOCK = 1100;
export const LPM_REUSE = 1104;
export const LPM_CHUNKS = 1108;

/** struct btf_record: u32 count, u32 mask of field types, then fields of BTF_FIELD_SIZE bytes. */
export const BR_COUNT = 0;
export const BR_MASK = 4;
/** Offset of the bpf_refcount; NO_FIELD when there is none. */
export const BR_REFCOUNT_OFF = 8;
export const BR_SPIN_LOCK_OFF = 12;
export const BR_FIELDS = 16;
export const BTF_FIELD_SIZE = 24;
/** One field: enum btf_field_type bit, offset in the value, size. */
export const BF_TYPE = 0;
export const BF_OFFSET = 4;
export const BF_SIZE = 8;
/** How a referenced kptr is freed: DTOR_. */
export const BF_DTOR = 12;
/** struct local_type * of the pointee, or of what a list head or tree root contains; 0 for kernel types. */
export const BF_LOCAL_TYPE = 16;
/** list head and tree root: offset of the node in what it contains. */
export const BF_NODE_OFF = 20;

/** enum btf_field_type. */
export const BPF_SPIN_LOCK = 0x1;
export const BPF_TIMER = 0x2;
export const BPF_KPTR_UNREF = 0x4;
export const BPF_KPTR_REF = 0x8;
export const BPF_KPTR_PERCPU = 0x10;
export const BPF_LIST_HEAD = 0x20;
export const BPF_LIST_NODE = 0x40;
export const BPF_RB_ROOT = 0x80;
export const BPF_RB_NODE = 0x100;
export const BPF_REFCOUNT = 0x200;
export const BPF_WORKQUEUE = 0x400;
export const BPF_UPTR = 0x800;
export const BPF_RES_SPIN_LOCK = 0x1000;

export const DTOR_NONE = 0;
export const DTOR_CPUMASK = 1;
export const DTOR_TASK = 2;
export const DTOR_LOCAL = 3;
export const DTOR_PERCPU = 4;

/** struct local_type: a type of the object's own BTF that bpf_obj_new makes. */
export const LT_SIZE = 0;
/** struct btf_record *; 0 when it has no special field. */
export const LT_RECORD = 4;
/** Type id in the object's BTF. */
export const LT_BTF_ID = 8;
export const LOCAL_TYPE_SIZE = 16;
/** Before an object of bpf_obj_new: u32 struct local_type *, padded. */
export const OBJ_PREFIX = 16;
/**
 * Table of a program's local types: u32 count, then one u32 (struct local_type *, 0 where none) per BTF type id. The engine
 * stores the running program's at PC_LOCAL_TYPES when it enters the program.
 */
export const LTT_COUNT = 0;
export const LTT_TYPES = 4;
/** In struct percpu (PC_HELPERS): u32. */
export const PC_LOCAL_TYPES = 512;
/** bpf_get_attach_cookie of the running program. u64 */
export const PC_ATTACH_COOKIE = 520;
/** bpf_get_func_ip of the running program. u64 */
export const PC_FUNC_IP = 528;
/** Per-CPU scratch of the helpers (snprintf, printk): u32 offset of SCRATCH_SIZE bytes, allocated on first use. */
export const PC_SCRATCH = 536;
export const SCRATCH_SIZE = 2048;
/** Output of the formatter: where the next character goes, where the buffer ends, how many there were. u32 each */
export const PC_OUT = 540;
export const PC_OUT_END = 544;
export const PC_OUT_COUNT = 548;
/** Key of a task storage look-up. u32 */
export const PC_STORAGE_KEY = 552;
/** Value of a kfunc argument or result that has to lie in memory. u64 */
export const PC_RESULT = 560;
/** Arguments of bpf_trace_printk: three u64. */
export const PC_PRINTK_ARGS = 576;
/** What runs here has to wait for the callback of this one, which runs elsewhere: struct bpf_async *. u32 */
export const PC_ASYNC_WAIT = 600;
/** Timers and work items that were started here so far. u32 */
export const PC_ASYNC_STARTS = 604;
/** This CPU's time, while several run (clock.ts). u64 */
export const PC_CLOCK = 608;
/** The timer whose callback runs here (hrtimer_running): struct bpf_async *. u32 */
export const PC_ASYNC = 568;
/** The bpf_spin_lock that a program holds here; 0: none. u32 */
export const PC_SPIN_LOCK = 572;

/** A per-CPU pointer, as this_cpu_ptr and per_cpu_ptr take it, is the address of { u32 base, u32 stride }. */
export const PCPU_BASE = 0;
export const PCPU_STRIDE = 4;
export const PCPU_PTR_SIZE = 16;

/** From M_TABLES (0x10600) on; absolute. First map, last map. u32 */
export const M_MAPS = 0x10600;
export const M_MAPS_LAST = 0x10604;
/** Tasks: u32 offset of an array of struct task_struct * in pid order, u32 count. */
export const M_TASKS = 0x10608;
export const M_TASKS_COUNT = 0x1060c;
/** Offsets in struct task_struct from the profile's BTF. u32 each; NO_FIELD where that kernel has none. */
export const M_TASK_PID = 0x10610;
export const M_TASK_TGID = 0x10614;
export const M_TASK_COMM = 0x10618;
export const M_TASK_RCU_USERS = 0x1061c;
export const M_TASK_GROUP_LEADER = 0x10620;
export const M_TASK_CRED = 0x10624;
export const M_CRED_UID = 0x10628;
export const M_CRED_GID = 0x1062c;
/** TASK_COMM_LEN. u32 */
export const M_TASK_COMM_LEN = 0x10630;
/** u32 offset of one u32 per CPU: its NUMA node; 0 when all are on node 0. */
export const M_CPU_TO_NODE = 0x10634;
/** Timers and work items: first pending of each (struct bpf_async). u32 */
export const M_TIMERS = 0x10638;
export const M_WORKS = 0x1063c;
export const M_ASYNC_LOCK = 0x10640;
/** Printk ring: u32 offset, u32 size, u32 bytes used, u32 records lost, u32 lock. */
export const M_PRINTK = 0x10644;
export const M_PRINTK_SIZE = 0x10648;
export const M_PRINTK_USED = 0x1064c;
export const M_PRINTK_LOST = 0x10650;
export const M_PRINTK_LOCK = 0x10654;
/** Boot and wall clock minus monotonic clock. u64 nanoseconds */
export const M_BOOT_OFFSET_NS = 0x10658;
export const M_TAI_OFFSET_NS = 0x10660;
/** Simulated user memory of the current process: address range served from memory at M_USER_DATA. u64, u32, u32 */
export const M_USER_BASE = 0x10668;
export const M_USER_DATA = 0x10670;
export const M_USER_SIZE = 0x10674;
/** Objects from bpf_obj_new and elements with special fields whose kind the data plane did not know how to free. u32 */
export const M_UNFREED = 0x10678;
/** Non-zero: what is pending is on no list, since somebody else chooses what runs; where the last one was started. u32 */
export const M_ASYNC_MANUAL = 0x1067c;
export const M_ASYNC_STARTED = 0x10680;

/** A printk record: u32 text length, u32 cpu, u32 pid, u32 unused, u64 time, text padded to 8. */
export const PK_LEN = 0;
export const PK_CPU = 4;
export const PK_PID = 8;
export const PK_TIME = 16;
export const PK_TEXT = 24;

/** struct bpf_async: what a bpf_timer or bpf_wq in a map value points to. */
export const BA_NEXT = 0;
export const BA_MAP = 4;
/** The map value, and its key's address. u32 */
export const BA_VALUE = 8;
export const BA_KEY = 12;
/** The callback as the program gave it. u64 */
export const BA_CALLBACK = 16;
/** When it fires, on M_CLOCK_NS. u64 */
export const BA_EXPIRES = 24;
/** Program id whose callback it is. u32 */
export const BA_PROG = 32;
/** BA_PENDING, BA_RUNNING: bits, since what runs may be started again. u32 */
export const BA_STATE = 36;
/** CPU it was started on; while it runs, that where it runs. u32 */
export const BA_CPU = 40;
/** 0: timer, 1: work item. u32 */
export const BA_KIND = 44;
/** Its clock. u32 */
export const BA_FLAGS = 48;
/** Its map or value went away while it ran. u32 */
export const BA_CANCELLED = 52;
/** An array element has no key in memory: its index, for BA_KEY to point at. u32 */
export const BA_INDEX = 56;
/** The bpf_timer or bpf_wq in the map value. u32 */
export const BA_FIELD = 64;
/** BPF_F_TIMER_ABS and so on, and nanoseconds, from start. u32, u64 */
export const BA_START_FLAGS = 68;
export const BA_NSECS = 72;
/** PC_ASYNC_STARTS when it was started; 0: it ran elsewhere then. u32 */
export const BA_ORDER = 80;
/** Those that wait for its callback to end, and how many of them are callbacks. u32 each */
export const BA_WAITERS = 84;
export const BA_CANCELLING = 88;
export const BPF_ASYNC_SIZE = 96;
export const BA_PENDING = 1;
export const BA_RUNNING = 2;

/** struct bpf_dynptr_kern: u64 data, u32 size | type << 28 | rdonly << 31, u32 offset. */
export const DYNPTR_DATA = 0;
export const DYNPTR_SIZE = 8;
export const DYNPTR_OFFSET = 12;
export const DYNPTR_TYPE_LOCAL = 1;
export const DYNPTR_TYPE_RINGBUF = 2;
export const DYNPTR_TYPE_SKB = 3;
export const DYNPTR_TYPE_XDP = 4;
