# What a machine has of Hall. Each part is built by itself where the others are OFF, and asks only for its own libraries and
# files: a server that has the agent alone needs neither SQLite nor civetweb.
option(HALL_DAEMON "The daemon: hall" ON)
option(HALL_CTL "For people at a shell: hallctl, hall-simulate" ON)
option(HALL_AGENT "For each server: hall-agent" ON)
option(HALL_RELAY "For other networks: hall-wol" ON)
set(HALL_PARTS DAEMON CTL AGENT RELAY)

# Is one of these parts built? Writes TRUE or FALSE to the variable.
function(hall_wanted variable)
  set(${variable} FALSE PARENT_SCOPE)
  foreach(part ${ARGN})
    if(NOT part IN_LIST HALL_PARTS)
      message(FATAL_ERROR "hall_wanted: no part is named ${part}")
    endif()
    if(HALL_${part})
      set(${variable} TRUE PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# hall_rooms(FOLDER... FOR PART...): these folders, where one of the parts is built.
function(hall_rooms)
  cmake_parse_arguments(ARG "" "" "FOR" ${ARGN})
  hall_wanted(wanted ${ARG_FOR})
  if(wanted)
    foreach(folder ${ARG_UNPARSED_ARGUMENTS})
      add_subdirectory(${folder})
    endforeach()
  endif()
endfunction()

# hall_module(PREFIX NAME FOR PART...): a library that pkg-config knows, as PkgConfig::PREFIX;
# in a portable build a static one.
macro(hall_module prefix name)
  cmake_parse_arguments(ARG "" "" "FOR" ${ARGN})
  hall_wanted(wanted ${ARG_FOR})
  if(wanted AND DEFINED HALL_STATIC_${prefix})
    add_library(PkgConfig::${prefix} INTERFACE IMPORTED GLOBAL)
    target_include_directories(PkgConfig::${prefix} INTERFACE ${HALL_STATIC}/include)
    target_link_libraries(PkgConfig::${prefix} INTERFACE ${HALL_STATIC_${prefix}})
  elseif(wanted)
    pkg_check_modules(${prefix} IMPORTED_TARGET ${name})
    if(NOT ${prefix}_FOUND)
      message(FATAL_ERROR "${name} is missing: pkg-config knows no ${name}.pc; it comes with the library's -dev or -devel package")
    endif()
  endif()
endmacro()

hall_wanted(wanted ${HALL_PARTS})
if(NOT wanted)
  message(FATAL_ERROR "Nothing to build: one of HALL_DAEMON, HALL_CTL, HALL_AGENT, HALL_RELAY must be ON")
endif()

# Tests link every part.
include(CMakeDependentOption)
cmake_dependent_option(HALL_TESTS "Build unit tests and fuzz targets' replays" ON
  "HALL_DAEMON;HALL_CTL;HALL_AGENT;HALL_RELAY" OFF)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
include(cmake/portable/portable.cmake)
hall_module(MOSQUITTO libmosquitto FOR ${HALL_PARTS})
hall_module(CJSON libcjson FOR ${HALL_PARTS})
hall_module(SYSTEMD libsystemd FOR ${HALL_PARTS})
hall_module(CURL libcurl FOR DAEMON CTL)
hall_module(SODIUM libsodium FOR DAEMON CTL)
hall_module(SQLITE sqlite3 FOR DAEMON)
hall_module(OPENSSL "libssl;libcrypto" FOR DAEMON)
if(HALL_DAEMON)
  find_path(CIVETWEB_INCLUDE civetweb.h REQUIRED)
  find_library(CIVETWEB_LIBRARY civetweb REQUIRED)
endif()
