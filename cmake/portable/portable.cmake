# HALL_PORTABLE: hall-agent, hall-wol and hallctl for every distribution with glibc 2.34 or newer and systemd. They need
# shared libraries of these alone; the rest is static: cmake/portable/static.sh makes what Debian has no static library of,
# OpenSSL, libsodium and libcrypt come with Debian's -dev packages.
option(HALL_PORTABLE "Link everything but glibc and libsystemd statically" OFF)
set(HALL_STATIC "" CACHE PATH "With HALL_PORTABLE: the folder that cmake/portable/static.sh prints")

# What a program is linked with to have crypt_r. A sanitizer's library stands in front of it, so libcrypt would look as if
# nobody needed it.
set(HALL_CRYPT -Wl,--push-state,--no-as-needed,-lcrypt,--pop-state)
if(NOT HALL_PORTABLE)
  return()
endif()
if(NOT EXISTS ${HALL_STATIC}/lib/libmosquitto.a)
  message(FATAL_ERROR "HALL_STATIC names no folder of static libraries: make one by cmake/portable/static.sh")
endif()
if(HALL_DAEMON)
  message(FATAL_ERROR "The daemon is not portable: it belongs to Debian. Set HALL_DAEMON=OFF")
endif()
# What those libraries ask of a newer glibc.
add_library(hall_older_glibc STATIC ${CMAKE_CURRENT_LIST_DIR}/older_glibc.c)
set(HALL_CRYPT -l:libcrypt.a hall_older_glibc)
# Those that are linked in turn keep their names for themselves.
add_link_options(-Wl,--exclude-libs,ALL)
# glibc 2.38 gives programs of _GNU_SOURCE a strtol of their own, which older ones have not.
add_compile_options(-include "${CMAKE_CURRENT_LIST_DIR}/older_glibc.h")

# OpenSSL, with what it was built to need.
pkg_check_modules(OPENSSL REQUIRED libssl)
set(HALL_OPENSSL)
foreach(name ${OPENSSL_STATIC_LIBRARIES})
  if(NOT name MATCHES "^(dl|pthread)$")
    list(APPEND HALL_OPENSSL -l:lib${name}.a)
  endif()
endforeach()
list(APPEND HALL_OPENSSL hall_older_glibc)

# What hall_module finds in place of the shared libraries.
set(HALL_STATIC_MOSQUITTO ${HALL_STATIC}/lib/libmosquitto.a ${HALL_OPENSSL})
set(HALL_STATIC_CJSON ${HALL_STATIC}/lib/libcjson.a m)
set(HALL_STATIC_CURL ${HALL_STATIC}/lib/libcurl.a ${HALL_OPENSSL})
set(HALL_STATIC_SODIUM -l:libsodium.a)
