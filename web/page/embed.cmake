# Makes wait_page.h: the waiting page's template as bytes, with style and script put in, and their SHA-256, which the
# Content-Security-Policy names. cmake -D ASSETS=dir -D OUTPUT=file -P embed.cmake
function(read_compact file ret)
  file(READ ${file} text)
  string(REGEX REPLACE "\n[ \t]+" "\n" text "${text}")
  string(STRIP "${text}" text)
  set(${ret} "${text}" PARENT_SCOPE)
endfunction()

function(to_bytes hex ret)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "((0x..,){24})" "\\1\n    " bytes "${bytes}")
  set(${ret} "${bytes}" PARENT_SCOPE)
endfunction()

read_compact(${ASSETS}/wait.html html)
read_compact(${ASSETS}/wait.css css)
read_compact(${ASSETS}/wait.js js)
string(REPLACE "\n" "" css "${css}")
# No string in the script holds a blank beside punctuation, so these can go.
string(REGEX REPLACE " *([=+*/<>?:,(){}&|!-]) +" "\\1" js "${js}")
string(REGEX REPLACE " +([=+*/<>?:,(){}&|!-])" "\\1" js "${js}")
string(SHA256 css_hash "${css}")
string(SHA256 js_hash "${js}")
string(REPLACE "{{style}}" "${css}" html "${html}")
string(REPLACE "{{script}}" "${js}" html "${html}")

file(WRITE ${OUTPUT}.html "${html}")
file(READ ${OUTPUT}.html hex HEX)
to_bytes("${hex}" html_bytes)
to_bytes("${css_hash}" css_bytes)
to_bytes("${js_hash}" js_bytes)
file(WRITE ${OUTPUT} "/* Generated from assets/wait.*: do not edit. */
static const char wait_page_html[] = {
    ${html_bytes} 0};
static const unsigned char wait_page_style_sha256[32] = {
    ${css_bytes}};
static const unsigned char wait_page_script_sha256[32] = {
    ${js_bytes}};
")
