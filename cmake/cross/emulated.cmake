# hall_emulated(NAME): beside a program for another processor, emulated/bin/NAME, which can be started here like any program.
# Tests that are told of that folder (HALL_BUILD=build-armhf/emulated) start emulated programs.
function(hall_emulated name)
  if(CMAKE_CROSSCOMPILING_EMULATOR)
    string(JOIN " " emulator ${CMAKE_CROSSCOMPILING_EMULATOR})
    set(program ${PROJECT_BINARY_DIR}/emulated/bin/${name})
    file(WRITE ${program} "#!/bin/sh\nexec ${emulator} ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/${name} \"$@\"\n")
    file(CHMOD ${program} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  endif()
endfunction()
