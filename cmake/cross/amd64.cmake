# Servers and other PCs.
set(HALL_ARCH amd64)
set(HALL_TRIPLET x86_64-linux-gnu)
set(HALL_EMULATOR_NAME qemu-x86_64)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
