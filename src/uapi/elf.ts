/** Numbers of include/uapi/linux/elf.h that a BPF object file uses. */

export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const ELFDATA2MSB = 2;
export const ET_REL = 1;
export const EM_NONE = 0;
export const EM_BPF = 247;

export const ELF_HEADER_SIZE = 64;
export const ELF_SECTION_SIZE = 64;
export const ELF_SYMBOL_SIZE = 24;
export const ELF_REL_SIZE = 16;

export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_RELA = 4;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;
export const SHT_LLVM_ADDRSIG = 0x6fff4c03;
export const SHF_EXECINSTR = 4;

export const SHN_UNDEF = 0;
export const SHN_LORESERVE = 0xff00;

export const STB_LOCAL = 0;
export const STB_GLOBAL = 1;
export const STB_WEAK = 2;
export const STT_NOTYPE = 0;
export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_SECTION = 3;
export const STV_INTERNAL = 1;
export const STV_HIDDEN = 2;
