# What package.sh makes of the installed components: packages for Debian, by CPack. A package's row is below; what goes into
# it says install.cmake, its scripts are in cmake/packaging/.
include(cmake/owner.cmake)
# So that an upgrade of Debian brings the package for the new one.
set(debian 0)
if(EXISTS /etc/os-release)
  file(STRINGS /etc/os-release line REGEX "^VERSION_ID=")
  string(REGEX MATCH "[0-9]+" debian "${line}")
endif()
set(HALL_DEB_RELEASE 1~deb${debian} CACHE STRING "What follows the version in that of a Debian package")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME hall)
set(CPACK_PACKAGE_VERSION ${HALL_VERSION})
set(CPACK_PACKAGE_CONTACT ${HALL_MAINTAINER})
set(CPACK_PACKAGE_HOMEPAGE_URL ${HALL_HOMEPAGE})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${HALL_DEB_RELEASE})
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# Where dpkg-shlibdeps finds the libraries of another architecture; package.sh names it the folder that says which packages they
# belong to.
if(CMAKE_CROSSCOMPILING)
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${HALL_ARCH})
  foreach(folder ${CMAKE_SYSROOT}/usr/lib ${CMAKE_SYSROOT}/lib)
    list(APPEND CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${folder}/${HALL_TRIPLET} ${folder})
  endforeach()
endif()
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

# The version of the tables that the daemon's store has, for the scripts that refuse an older Hall.
file(STRINGS ${PROJECT_SOURCE_DIR}/hall-mqtt/store/tables.h schema REGEX "SCHEMA_VERSION = [0-9]+")
string(REGEX MATCH "[0-9]+" HALL_STORE_SCHEMA "${schema}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/hall-mqtt/store/tables.h)

# hall_debian_scripts(COMPONENT): what dpkg runs, each put together from the pieces in cmake/packaging/deb.
function(hall_debian_scripts component)
  set(pieces ${PROJECT_SOURCE_DIR}/cmake/packaging/deb)
  set(made)
  foreach(script preinst postinst prerm postrm)
    set(text "#!/bin/sh\nset -e\nPACKAGE=${component}\nSTORE_SCHEMA=${HALL_STORE_SCHEMA}\n")
    foreach(piece ${component} common ${script})
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${pieces}/${piece}.sh)
      file(READ ${pieces}/${piece}.sh words)
      string(REGEX REPLACE "^# shellcheck[^\n]*\n" "\n" words "${words}")
      string(APPEND text "${words}")
    endforeach()
    set(file ${PROJECT_BINARY_DIR}/generated/deb/${component}/${script})
    file(WRITE ${file} "${text}")
    file(CHMOD ${file} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
    list(APPEND made ${file})
  endforeach()
  string(TOUPPER ${component} row)
  set(CPACK_DEBIAN_${row}_PACKAGE_CONTROL_EXTRA "${made}" PARENT_SCOPE)
endfunction()

# hall_package(COMPONENT SUMMARY TEXT [SERVICE] [DEPENDS ...] [RECOMMENDS ...] [SUGGESTS ...])
macro(hall_package component summary text)
  cmake_parse_arguments(ARG "SERVICE" "" "DEPENDS;RECOMMENDS;SUGGESTS" ${ARGN})
  string(TOUPPER ${component} row)
  list(APPEND CPACK_COMPONENTS_ALL ${component})
  set(CPACK_DEBIAN_${row}_PACKAGE_NAME ${component})
  set(CPACK_COMPONENT_${row}_DESCRIPTION "${summary}\n${text}")
  if(ARG_SERVICE)
    list(APPEND ARG_DEPENDS "systemd | systemd-standalone-sysusers" "systemd | systemd-standalone-tmpfiles")
    hall_debian_scripts(${component})
  endif()
  foreach(kind DEPENDS RECOMMENDS SUGGESTS)
    list(JOIN ARG_${kind} ", " CPACK_DEBIAN_${row}_PACKAGE_${kind})
  endforeach()
endmacro()

if(HALL_DAEMON)
  hall_package(hall "wakes servers when someone needs them"
    "Hall runs on a machine that is always on, in front of servers that sleep. A
reverse proxy asks it before each request; for a site whose server sleeps it
sends a Wake-on-LAN packet, shows a waiting page, and lets the browser
through once the site answers. Servers that nobody needs are put to sleep."
    SERVICE DEPENDS tzdata RECOMMENDS mosquitto hallctl hall-enroll SUGGESTS openssh-client)
endif()
if(HALL_CTL)
  hall_package(hallctl "command line of Hall, which wakes servers when needed"
    "hallctl shows and steers Hall over its MQTT broker: it wakes servers, lets
them sleep, holds them awake, and says why each is on or off. hall-simulate
says what a configuration of Hall would do, without a network."
    DEPENDS tzdata)
endif()
if(HALL_AGENT)
  hall_package(hall-agent "lets Hall put this server to sleep when nobody needs it"
    "The agent tells Hall what its server does, refuses a sleep while the server
is in use, and starts and stops its containers. It runs on each server that
Hall wakes."
    SERVICE RECOMMENDS polkitd)
endif()
if(HALL_RELAY)
  hall_package(hall-wol "sends Wake-on-LAN packets for Hall on another network"
    "A Wake-on-LAN packet does not pass a router. The relay runs on a machine
that stands beside the sleeping servers; Hall asks it over MQTT to send the
packet."
    SERVICE)
endif()

# What every package has besides: changelogs, copyright, manual pages that are compressed.
configure_file(${PROJECT_SOURCE_DIR}/cmake/packaging/finish.cmake.in ${PROJECT_BINARY_DIR}/generated/finish.cmake @ONLY)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_BINARY_DIR}/generated/finish.cmake)
include(CPack)
