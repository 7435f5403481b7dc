/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Layouts that other programs rely on, asserted while compiling: nothing here makes code.  Every
 * build compiles this file, so 32- and 64-bit compilers agree on our own fixed-width structures,
 * and each compares the structures of its own width with Xen's public headers.  Golden sizes:
 * Xen's tools/include/xen-foreign/reference.size (start_info 0x490 and 0x458).
 */
#include <stddef.h>
#include <stdint.h>

#define __XEN_INTERFACE_VERSION__ 0x00040d00
#include <xen/xen.h>
#include <xen/arch-x86/hvm/start_info.h>

#include "boot_record.h"
#include "handover.h"
#include "pv_abi.h"

#define SIZE(type, size)         _Static_assert(sizeof(type) == (size), #type " has another size")
#define OFFSET(type, field, off) _Static_assert(offsetof(type, field) == (off), #field " moved")
#define SAME(ours, theirs, our_field, their_field)                                                 \
    _Static_assert(offsetof(ours, our_field) == offsetof(theirs, their_field) &&                   \
                       sizeof(((ours *)0)->our_field) == sizeof(((theirs *)0)->their_field),       \
                   #our_field " differs from Xen's")

/* ---- start_info and the video information behind it ------------------------------------------ */
SIZE(struct start_info64, 0x490);
SIZE(struct start_info32, 0x458);
OFFSET(struct start_info64, store_evtchn, 64);
OFFSET(struct start_info64, cmd_line, 128);
OFFSET(struct start_info64, nr_p2m_frames, 1160);
OFFSET(struct start_info32, store_evtchn, 48);
OFFSET(struct start_info32, cmd_line, 80);
OFFSET(struct start_info32, nr_p2m_frames, 1108);

#ifdef __x86_64__
#define OUR_START_INFO struct start_info64
#else
#define OUR_START_INFO struct start_info32
#endif
_Static_assert(sizeof(OUR_START_INFO) == sizeof(struct start_info), "start_info has another size");
#define SAME_START_INFO(field) SAME(OUR_START_INFO, struct start_info, field, field)
SAME_START_INFO(magic);
SAME_START_INFO(nr_pages);
SAME_START_INFO(shared_info);
SAME_START_INFO(flags);
SAME_START_INFO(store_mfn);
SAME_START_INFO(store_evtchn);
SAME(OUR_START_INFO, struct start_info, console.domu.mfn, console.domU.mfn);
SAME(OUR_START_INFO, struct start_info, console.domu.evtchn, console.domU.evtchn);
SAME(OUR_START_INFO, struct start_info, console.dom0.info_off, console.dom0.info_off);
SAME(OUR_START_INFO, struct start_info, console.dom0.info_size, console.dom0.info_size);
SAME_START_INFO(pt_base);
SAME_START_INFO(nr_pt_frames);
SAME_START_INFO(mfn_list);
SAME_START_INFO(mod_start);
SAME_START_INFO(mod_len);
SAME_START_INFO(cmd_line);
SAME_START_INFO(first_p2m_pfn);
SAME_START_INFO(nr_p2m_frames);

_Static_assert(START_INFO_PRIVILEGED == SIF_PRIVILEGED && START_INFO_INITDOMAIN == SIF_INITDOMAIN &&
                   START_INFO_MOD_START_PFN == SIF_MOD_START_PFN &&
                   START_INFO_VIRT_P2M_TOOLS == SIF_VIRT_P2M_4TOOLS,
               "start_info flags differ from Xen's");

SIZE(struct vga_console_info, 0x28);
_Static_assert(sizeof(struct vga_console_info) == sizeof(struct dom0_vga_console_info),
               "video information has another size");
#define SAME_VIDEO(ours, theirs)                                                                   \
    SAME(struct vga_console_info, struct dom0_vga_console_info, ours, theirs)
SAME_VIDEO(u.text.font_height, u.text_mode_3.font_height);
SAME_VIDEO(u.text.columns, u.text_mode_3.columns);
SAME_VIDEO(u.lfb.bits_per_pixel, u.vesa_lfb.bits_per_pixel);
SAME_VIDEO(u.lfb.lfb_base, u.vesa_lfb.lfb_base);
SAME_VIDEO(u.lfb.lfb_size, u.vesa_lfb.lfb_size);
SAME_VIDEO(u.lfb.reserved_size, u.vesa_lfb.rsvd_size);
SAME_VIDEO(u.lfb.mode_attrs, u.vesa_lfb.mode_attrs);
SAME_VIDEO(u.lfb.ext_lfb_base, u.vesa_lfb.ext_lfb_base);
_Static_assert(VGA_CONSOLE_TEXT == XEN_VGATYPE_TEXT_MODE_3 &&
                   VGA_CONSOLE_VESA_LFB == XEN_VGATYPE_VESA_LFB &&
                   VGA_CONSOLE_EFI_LFB == XEN_VGATYPE_EFI_LFB,
               "video types differ from Xen's");

/* ---- shared_info ---------------------------------------------------------------------------- */
_Static_assert(sizeof(struct vcpu_info) == SHARED_INFO_VCPU_SIZE, "vcpu_info has another size");
_Static_assert(XEN_LEGACY_MAX_VCPUS == SHARED_INFO_VCPUS, "another number of vcpu_info");
OFFSET(struct shared_info, vcpu_info, 0);
OFFSET(struct vcpu_info, evtchn_upcall_mask, SHARED_INFO_UPCALL_MASK_OFF);
OFFSET(struct vcpu_info, time, 32);
OFFSET(struct shared_info, evtchn_pending, 2048);
#ifdef __x86_64__
OFFSET(struct shared_info, evtchn_mask, 2560);
OFFSET(struct shared_info, wc_sec, 3076);
_Static_assert(__HYPERVISOR_VIRT_START == HV64_START && __HYPERVISOR_VIRT_END == HV64_END,
               "the hypervisor's range differs from Xen's");
#else
OFFSET(struct shared_info, evtchn_mask, 2176);
OFFSET(struct shared_info, wc_sec, 2308);
_Static_assert(__HYPERVISOR_VIRT_START_PAE == HV32PAE_START &&
                   __HYPERVISOR_VIRT_START_NONPAE == HV32_START,
               "the hypervisor's hole differs from Xen's");
#endif

/* ---- PVH ------------------------------------------------------------------------------------ */
SIZE(struct hvm_start_info, 56);
SIZE(struct hvm_modlist_entry, 32);
SIZE(struct hvm_memmap_table_entry, 24);
OFFSET(struct hvm_start_info, memmap_paddr, 40);
OFFSET(struct hvm_start_info, memmap_entries, 48);

/* ---- between stage and resident layers ------------------------------------------------------ */
SIZE(struct resident_header, 36);
SIZE(struct handover_memory, 24);
SIZE(struct memory_entry, 24);
OFFSET(struct memory_entry, type, offsetof(struct handover_memory, type));
SIZE(struct handover_run, 24);
SIZE(struct handover, 424);
OFFSET(struct handover, uart, 32);
OFFSET(struct handover, layer, 48);
OFFSET(struct handover, m2p, 80);
OFFSET(struct handover, nr_pages, 120);
OFFSET(struct handover, hypercall_page, 224);
OFFSET(struct handover, rsdp, 256);
OFFSET(struct handover, trace, 344);
