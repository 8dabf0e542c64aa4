# Debian's armhf: ARMv7 with a floating point unit, from the Raspberry Pi 2 on.
set(HALL_ARCH armhf)
set(HALL_TRIPLET arm-linux-gnueabihf)
set(HALL_EMULATOR_NAME qemu-arm)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
