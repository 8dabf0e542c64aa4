# Who publishes Hall, and where: packages, and the line with "git clone" in both READMEs, say the same. Before publishing change the two
# lines, then run tests/static/docs.py BUILD/bin/hall --write, which writes the READMEs' lines. package.sh reads these lines too.
set(HALL_HOMEPAGE "https://github.com/OWNER/hall")
set(HALL_MAINTAINER "The Hall authors <hall@example.org>")
