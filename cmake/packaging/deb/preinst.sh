# shellcheck shell=sh
case $1 in
  install | upgrade) before_unpacking ;;
esac
