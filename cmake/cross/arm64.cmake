# Raspberry Pi OS (64 bits) and other machines with Debian's arm64.
set(HALL_ARCH arm64)
set(HALL_TRIPLET aarch64-linux-gnu)
set(HALL_EMULATOR_NAME qemu-aarch64)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
