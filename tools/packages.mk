# SPDX-License-Identifier: GPL-2.0-or-later
#
# What comes from Debian: the i386 decompression libraries that the stage links, and the packages that
# tests and `make run` boot.  Nothing is installed into the system here; packages are unpacked below
# build/cache.
