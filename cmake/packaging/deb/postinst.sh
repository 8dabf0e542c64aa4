# shellcheck shell=sh
case $1 in
  configure | abort-upgrade | abort-remove)
    put_aside
    make_places
    after_unpacking "${2-}"
    start_service
    ;;
esac
