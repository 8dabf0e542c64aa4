# What makes a memory error harder to exploit, as far as the compiler and the linker know it. Debian's own flags may
# have some of it already: naming them twice is harmless. tests/static/hardening.py reads the result.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckLinkerFlag)

# Adds a flag where the compiler takes it.
function(harden_compiler flag)
  string(MAKE_C_IDENTIFIER "HALL_HAS${flag}" known)
  check_c_compiler_flag(${flag} ${known})
  if(${known})
    add_compile_options(${flag})
  endif()
endfunction()

function(harden_linker flag)
  string(MAKE_C_IDENTIFIER "HALL_HAS${flag}" known)
  check_linker_flag(C ${flag} ${known})
  if(${known})
    add_link_options(${flag})
  endif()
endfunction()

foreach(flag -fstack-protector-strong -fstack-clash-protection)
  harden_compiler(${flag})
endforeach()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  harden_compiler(-fcf-protection=full)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  harden_compiler(-mbranch-protection=standard)
endif()
foreach(flag relro now noexecstack separate-code)
  harden_linker(-Wl,-z,${flag})
endforeach()

# Executables that may be loaded anywhere; what is built as a shared object is so already.
set(HALL_IS_SHARED $<IN_LIST:$<TARGET_PROPERTY:TYPE>,SHARED_LIBRARY$<SEMICOLON>MODULE_LIBRARY>)
add_compile_options($<$<NOT:${HALL_IS_SHARED}>:-fPIE>)
add_link_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>)

# The C library checks the sizes of buffers where the compiler knows them, which needs optimisation. Sanitizers do that
# by themselves, and see more without it.
set(CMAKE_REQUIRED_FLAGS "-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_c_source_compiles("
  #include <features.h>
  #if __USE_FORTIFY_LEVEL < 3
  #error only level 2
  #endif
  int main(void) { return 0; }" HALL_HAS_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
set(HALL_FORTIFY $<IF:$<BOOL:${HALL_HAS_FORTIFY_3}>,3,2>)
if(NOT HALL_SANITIZE)
  add_compile_options("$<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=${HALL_FORTIFY}>")
endif()
