/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The start_info page of a PV guest, in its own width, with the video information behind it.
 * Source: xen/include/public/xen.h (struct start_info, struct dom0_vga_console_info).
 */
#ifndef LOADER_START_INFO_H
#define LOADER_START_INFO_H

#include "boot_record.h"
#include "handover.h"

struct start_info_values {
    enum guest_class class;
    bool dom0;
    bool pae_suffix; /* magic ends in "p" */
    uint64_t nr_pages;
    uint64_t shared_info;            /* machine address */
    uint64_t store_mfn, console_mfn; /* domU */
    uint64_t pt_base, nr_pt_frames;
    uint64_t mfn_list;
    uint64_t mod_start, mod_len;
    bool mod_start_is_pfn;
    uint64_t first_p2m_pfn, nr_p2m_frames;
    const char *command_line;
    const struct framebuffer *framebuffer; /* dom0: NULL = no video */
};

/* Bytes that start_info_write() fills: start_info and video information. */
uint32_t start_info_size(enum guest_class class);

/* Writes to `page`, start_info_size() zeroed bytes.  False when the command line was cut. */
bool start_info_write(const struct start_info_values *values, void *page);

#endif
