# Makes a header of a script: cmake -D INPUT=file -D OUTPUT=file -D NAME=variable -P embed.cmake
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "((0x..,){24})" "\\1\n    " bytes "${bytes}")
get_filename_component(name ${INPUT} NAME)
file(WRITE ${OUTPUT} "/* Generated from ${name}: do not edit. */
static const unsigned char ${NAME}[] = {
    ${bytes} 0};
")
