# Beside each program for another processor, emulated/bin/NAME, which can be started here like any program. Tests that are
# told of it (demo.py --hall build-armhf/emulated/bin/hall) run emulated programs.
if(CMAKE_CROSSCOMPILING_EMULATOR)
  string(JOIN " " emulator ${CMAKE_CROSSCOMPILING_EMULATOR})
  foreach(name hall hallctl hall-simulate hall-agent hall-wol)
    if(TARGET ${name})
      set(program ${PROJECT_BINARY_DIR}/emulated/bin/${name})
      file(WRITE ${program} "#!/bin/sh\nexec ${emulator} ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/${name} \"$@\"\n")
      file(CHMOD ${program} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
    endif()
  endforeach()
endif()
