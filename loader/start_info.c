/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Contents of start_info; see start_info.h.  Fields of a 32-bit guest all fit: its region, tables
 * and frames lie below 4 GiB or are PFNs.
 */
#include "start_info.h"

#include "bytes.h"
#include "out.h"
#include "pv_abi.h"

#define TEXT_FONT_HEIGHT 16
#define LFB_UNIT_SHIFT   16 /* lfb_size counts 64 KiB */

uint32_t start_info_size(enum guest_class class)
{
    return (uint32_t)(class == GUEST_PV64 ? sizeof(struct start_info64)
                                          : sizeof(struct start_info32)) +
           (uint32_t)sizeof(struct vga_console_info);
}

static void write_video(const struct framebuffer *fb, struct vga_console_info *video)
{
    if (fb->kind == FRAMEBUFFER_TEXT) {
        video->video_type = VGA_CONSOLE_TEXT;
        video->u.text.font_height = TEXT_FONT_HEIGHT;
        video->u.text.rows = (uint16_t)fb->height;
        video->u.text.columns = (uint16_t)fb->width;
        video->u.text.cursor_y = (uint16_t)(fb->height ? fb->height - 1 : 0);
        return;
    }
    video->video_type = fb->efi ? VGA_CONSOLE_EFI_LFB : VGA_CONSOLE_VESA_LFB;
    video->u.lfb.width = (uint16_t)fb->width;
    video->u.lfb.height = (uint16_t)fb->height;
    video->u.lfb.bytes_per_line = (uint16_t)fb->pitch;
    video->u.lfb.bits_per_pixel = fb->bpp;
    video->u.lfb.lfb_base = (uint32_t)fb->address;
    video->u.lfb.ext_lfb_base = (uint32_t)(fb->address >> 32);
    video->u.lfb.lfb_size =
        (uint32_t)(((uint64_t)fb->pitch * fb->height + (1u << LFB_UNIT_SHIFT) - 1) >>
                   LFB_UNIT_SHIFT);
    video->u.lfb.red_pos = fb->red_position;
    video->u.lfb.red_size = fb->red_size;
    video->u.lfb.green_pos = fb->green_position;
    video->u.lfb.green_size = fb->green_size;
    video->u.lfb.blue_pos = fb->blue_position;
    video->u.lfb.blue_size = fb->blue_size;
}

static uint32_t flags(const struct start_info_values *values)
{
    uint32_t ret =
        values->dom0 ? START_INFO_PRIVILEGED | START_INFO_INITDOMAIN : START_INFO_VIRT_P2M_TOOLS;

    return values->mod_start_is_pfn ? ret | START_INFO_MOD_START_PFN : ret;
}

/* The two widths have the same fields; only their types differ. */
#define WRITE_COMMON(info, values, word)                                                           \
    do {                                                                                           \
        (info)->nr_pages = (word)(values)->nr_pages;                                               \
        (info)->shared_info = (word)(values)->shared_info;                                         \
        (info)->flags = flags(values);                                                             \
        (info)->pt_base = (word)(values)->pt_base;                                                 \
        (info)->nr_pt_frames = (word)(values)->nr_pt_frames;                                       \
        (info)->mfn_list = (word)(values)->mfn_list;                                               \
        (info)->mod_start = (word)(values)->mod_start;                                             \
        (info)->mod_len = (word)(values)->mod_len;                                                 \
        (info)->first_p2m_pfn = (word)(values)->first_p2m_pfn;                                     \
        (info)->nr_p2m_frames = (word)(values)->nr_p2m_frames;                                     \
        if ((values)->dom0) {                                                                      \
            if ((values)->framebuffer) {                                                           \
                (info)->console.dom0.info_off = sizeof(*(info));                                   \
                (info)->console.dom0.info_size = sizeof(struct vga_console_info);                  \
            }                                                                                      \
        } else {                                                                                   \
            (info)->store_mfn = (word)(values)->store_mfn;                                         \
            (info)->store_evtchn = HANDOVER_PORT_XENSTORE;                                         \
            (info)->console.domu.mfn = (word)(values)->console_mfn;                                \
            (info)->console.domu.evtchn = HANDOVER_PORT_CONSOLE;                                   \
        }                                                                                          \
    } while (0)

bool start_info_write(const struct start_info_values *values, void *page)
{
    char *magic, *command_line;
    struct vga_console_info *video;

    if (values->class == GUEST_PV64) {
        struct start_info64 *info = page;

        WRITE_COMMON(info, values, uint64_t);
        magic = info->magic;
        command_line = info->cmd_line;
        video = (struct vga_console_info *)(info + 1);
    } else {
        struct start_info32 *info = page;

        WRITE_COMMON(info, values, uint32_t);
        magic = info->magic;
        command_line = info->cmd_line;
        video = (struct vga_console_info *)(info + 1);
    }
    out_format(magic, sizeof(((struct start_info64 *)0)->magic), "xen-3.0-x86_%s%s",
               values->class == GUEST_PV64 ? "64" : "32", values->pae_suffix ? "p" : "");
    if (values->dom0 && values->framebuffer)
        write_video(values->framebuffer, video);
    return string_copy(command_line, values->command_line, START_INFO_COMMAND_LINE_SIZE) <
           START_INFO_COMMAND_LINE_SIZE;
}
