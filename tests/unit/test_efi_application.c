/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The UEFI application under a firmware that can be made to misbehave: every refusal of its own,
 * what it chooses from load options, paravane.conf and embedded sections, and what it does when the
 * memory map changes at the last moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "efi/fake_firmware.h"
#include "efi_workspace.h"
#include "elf_builder.h"

#define CONF    "\\EFI\\BOOT\\paravane.conf"
#define ENTRIES "[one]\nguest=\\guest\narguments=of one\n[two]\nguest=\\guest\narguments=of two\n"

static struct elf_builder builder;
static struct view guest;

/* A guest that plans natively anywhere: ELF32 with a Multiboot 1 header. */
static int make_guest(void **state)
{
    static const uint32_t header[3] = {0x1badb002, 0, 0u - 0x1badb002};
    (void)state;
    builder = elf_builder(32, FAKE_BASE + 0x100000);
    builder.multiboot = (const char *)header;
    builder.multiboot_size = sizeof(header);
    elf_add_segment(&builder, (struct elf_segment){.paddr = FAKE_BASE + 0x100000, .size = 0x2000});
    guest = elf_build(&builder);
    return 0;
}

static int before(void **state)
{
    (void)state;
    fake_reset();
    fake_file_text(0, CONF, "[one]\nguest=\\guest\narguments=words\nmode=native\n");
    fake.file[1] = (struct fake_file){.path = "\\guest", .data = guest.data, .size = guest.size};
    return 0;
}

static int free_guest(void **state)
{
    (void)state;
    elf_free(&builder);
    return 0;
}

static const struct workspace *space(void)
{
    return fake.workspace;
}

static void boots(void)
{
    EFI_STATUS status = fake_start();
    if (!fake.left)
        print_error("status %lx, console:\n%s\n", (unsigned long)status, fake.console);
    assert_true(fake.left);
}

static void load_options(const char *text)
{
    static CHAR16 wide[256];
    size_t length = strlen(text);
    for (size_t i = 0; i <= length; i++)
        wide[i] = (CHAR16)(unsigned char)text[i];
    fake.load_options = wide;
    fake.load_options_size = (uint32_t)(2 * (length + 1));
}

static void leaves(void **state)
{
    (void)state;
    boots();
    assert_int_equal(fake.exits, 1);
    assert_string_equal(space()->record.module[0].string, "\\guest words");
    assert_int_equal(space()->record.framebuffer.kind, FRAMEBUFFER_NONE); /* no GOP */
    assert_memory_equal(space()->record.module[0].data, guest.data, guest.size);
}

static void no_configuration(void **state)
{
    (void)state;
    fake.file[0].path = NULL;
    fake_refuses(REFUSE_EFI_NO_GUEST);
}

static void empty_configuration(void **state)
{
    (void)state;
    fake_file_text(0, CONF, "");
    fake_refuses(REFUSE_EFI_NO_GUEST);
    fake_reset();
    fake_file_text(0, CONF, "timeout=1\n# nothing\n");
    fake_refuses(REFUSE_EFI_NO_GUEST);
    fake_reset();
    fake_file_text(0, CONF, "[one]\nmode=native\n");
    fake_refuses(REFUSE_EFI_NO_GUEST);
}

static void unknown_keys(void **state)
{
    (void)state;
    fake_file_text(0, CONF, "colour=red\n[one]\nguest=\\guest\nspeed=high\nmode=native\n");
    boots();
    assert_non_null(strstr(fake.console, "colour"));
    assert_non_null(strstr(fake.console, "speed"));
}

static void missing_file(void **state)
{
    (void)state;
    fake.file[1].path = NULL;
    fake_refuses(REFUSE_EFI_FILE);
    assert_non_null(strstr(fake.console, "no such file"));
}

static void unreadable_files(void **state)
{
    (void)state;
    struct fake_file good = fake.file[1];
    fake.file[1].folder = true;
    fake_refuses(REFUSE_EFI_FILE);
    assert_non_null(strstr(fake.console, "folder"));
    before(NULL);
    fake.file[1].open = EFI_DEVICE_ERROR;
    fake_refuses(REFUSE_EFI_FILE);
    assert_non_null(strstr(fake.console, "cannot open"));
    before(NULL);
    fake.file[1].info = EFI_VOLUME_CORRUPTED;
    fake_refuses(REFUSE_EFI_FILE);
    before(NULL);
    fake.file[1].read_limit = good.size / 2;
    fake_refuses(REFUSE_EFI_FILE);
    assert_non_null(strstr(fake.console, "read error"));
    before(NULL);
    fake.file[1].size += 1; /* shorter than the volume said */
    fake.file[1].read_limit = good.size;
    fake_refuses(REFUSE_EFI_FILE);
}

static void unreadable_volume(void **state)
{
    (void)state;
    fake.no_open_volume = true;
    fake_refuses(REFUSE_EFI_FILE);
    assert_non_null(strstr(fake.console, "cannot be opened"));
    before(NULL);
    fake.no_volume = true;
    fake_refuses(REFUSE_EFI_FILE);
    assert_non_null(strstr(fake.console, "no file system"));
}

static void bad_paths(void **state)
{
    static char conf[1200];
    (void)state;
    fake_file_text(0, CONF, "[one]\nguest=\\\xff\xfe\n");
    fake_refuses(REFUSE_EFI_FILE);
    before(NULL);
    strcpy(conf, "[one]\nguest=\\");
    memset(conf + strlen(conf), 'a', 1000);
    fake_file_text(0, CONF, conf);
    fake_refuses(REFUSE_EFI_FILE);
}

static void from_network(void **state)
{
    (void)state;
    fake.network = true;
    boots();
    before(NULL);
    fake.network = true;
    fake.file[1].read_limit = 1;
    fake_refuses(REFUSE_EFI_FILE);
    before(NULL);
    fake.network = true;
    fake.file[1].path = NULL;
    fake_refuses(REFUSE_EFI_FILE);
    before(NULL);
    fake.network = true;
    fake.file[0].path = NULL;
    fake_refuses(REFUSE_EFI_NO_GUEST);
}

static void too_large(void **state)
{
    (void)state;
    fake.file[1].size = FAKE_SIZE;
    fake_refuses(REFUSE_EFI_FILE_TOO_LARGE);
    before(NULL);
    fake.file[1].size = UINT64_MAX;
    fake_refuses(REFUSE_EFI_FILE_TOO_LARGE);
    before(NULL);
    fake.network = true;
    fake.file[1].size = UINT64_C(1) << 40;
    fake_refuses(REFUSE_EFI_FILE_TOO_LARGE);
}

static void no_memory(void **state)
{
    (void)state;
    fake.largest_allocation = 0x1000;
    fake_refuses(REFUSE_EFI_NO_MEMORY);
    assert_non_null(strstr(fake.console, "the application itself"));
    before(NULL);
    fake.no_memory_map = true;
    fake_refuses(REFUSE_EFI_NO_MEMORY);
    before(NULL);
    fake.largest_allocation = sizeof(struct workspace) + 0x2000; /* itself and files, no more */
    fake_refuses(REFUSE_EFI_NO_MEMORY);
    assert_non_null(strstr(fake.console, "unpacking"));
}

static void map_changes(void **state)
{
    (void)state;
    fake.stale_times = 3; /* read again, exited at last */
    boots();
    assert_int_equal(fake.exits, 4);
    before(NULL);
    fake.stale_key = true;
    fake_refuses(REFUSE_EFI_MAP_CHANGED);
    assert_in_range(fake.exits, 2, 16);
    before(NULL);
    fake.take_all = true; /* the planned ranges are no longer free */
    fake_refuses(REFUSE_EFI_MAP_CHANGED);
    assert_int_equal(fake.exits, 1);
}

static void entries(void **state)
{
    (void)state;
    fake_file_text(0, CONF, "timeout=1\ndefault=three\noptions=mode=native\n" ENTRIES);
    fake_refuses(REFUSE_EFI_NO_ENTRY);
    before(NULL);
    fake_file_text(0, CONF, ENTRIES);
    load_options("paravane.efi entry=four");
    fake_refuses(REFUSE_EFI_NO_ENTRY);
    before(NULL);
    fake_file_text(0, CONF, "options=mode=native\n" ENTRIES);
    load_options("paravane.efi entry=two");
    boots();
    assert_string_equal(space()->record.module[0].string, "\\guest of two");
}

static void menu(void **state)
{
    (void)state;
    fake_file_text(0, CONF, "timeout=1\ndefault=two\noptions=mode=native\n" ENTRIES);
    boots(); /* nothing typed */
    assert_string_equal(space()->record.module[0].string, "\\guest of two");
    assert_non_null(strstr(fake.console, "* 2  two"));
    before(NULL);
    fake_file_text(0, CONF, "timeout=1\ndefault=two\noptions=mode=native\n" ENTRIES);
    fake.keys = "x91";
    boots();
    assert_string_equal(space()->record.module[0].string, "\\guest of one");
}

static void bad_load_options(void **state)
{
    static const uint8_t binary[] = {0x12, 0x34, 1, 0, 0xff, 0xd8};
    (void)state;
    fake.load_options = binary;
    fake.load_options_size = sizeof(binary);
    fake_refuses(REFUSE_EFI_LOAD_OPTIONS);
}

static void good_load_options(void **state)
{
    (void)state;
    fake.file[0].path = NULL;
    load_options("paravane.efi guest=\\GUEST mode=native ramdisk=/guest -- some words");
    boots();
    assert_string_equal(space()->record.module[0].string, "\\GUEST some words");
    assert_int_equal(space()->record.module_count, 2);
}

static void image_too_high(void **state)
{
    (void)state;
    fake.image_base = UINT64_C(1) << 40;
    fake.image_size = 0; /* nobody may look for sections there */
    fake_refuses(REFUSE_EFI_IMAGE_ABOVE_4G);
    assert_int_equal(fake.exits, 0);
}

/* A PE image of headers and two sections: what efi_sections.c reads. */
static void embedded(void **state)
{
    static uint8_t image[0x8000];
    static const char words[] = "from the section";
    struct {
        const char *name;
        uint32_t address;
        struct view data;
    } section[] = {
        {".linux", 0x1000, guest},
        {".cmdline", 0x6000, {(const uint8_t *)words, sizeof(words)}},
        {".options", 0x7000, {(const uint8_t *)"mode=native", 12}},
    };
    (void)state;
    memset(image, 0, sizeof(image));
    image[0x3c] = 0x40;
    image[0x46] = 3;    /* sections */
    image[0x54] = 0x10; /* optional header */
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *header = image + 0x68 + i * 40;
        uint32_t size = (uint32_t)section[i].data.size;
        strncpy((char *)header, section[i].name, 8);
        memcpy(header + 8, &size, 4);
        memcpy(header + 12, &section[i].address, 4);
        assert_true(section[i].address + size <= sizeof(image));
        memcpy(image + section[i].address, section[i].data.data, size);
    }
    fake.file[0].path = fake.file[1].path = NULL;
    fake.image = image;
    fake.image_size = sizeof(image);
    fake.image_base = 0;
    fake_start();
    /* The image is in this program, above what the last page tables map. */
    assert_non_null(strstr(fake.console, refusal_name(REFUSE_EFI_IMAGE_ABOVE_4G)));
    assert_string_equal(space()->record.module[0].string, ".linux from the section");
    assert_memory_equal(space()->record.module[0].data, guest.data, guest.size);

    /* A section that ends outside of the image is none. */
    before(NULL);
    fake.file[0].path = fake.file[1].path = NULL;
    fake.image = image;
    fake.image_size = 0x1800;
    fake_refuses(REFUSE_EFI_NO_GUEST);
}

static void framebuffer(void **state)
{
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION mode = {.HorizontalResolution = 800,
                                                 .VerticalResolution = 600,
                                                 .PixelsPerScanLine = 832,
                                                 .PixelFormat = PixelBitMask};
    mode.PixelInformation = (EFI_PIXEL_BITMASK){0xf800, 0x7e0, 0x1f, 0};
    (void)state;
    fake.mode = &mode;
    boots();
    const struct framebuffer *fb = &space()->record.framebuffer;
    assert_int_equal(fb->kind, FRAMEBUFFER_RGB);
    assert_int_equal(fb->address, 0x80000000);
    assert_int_equal(fb->pitch, 1664);
    assert_int_equal(fb->bpp, 16);
    assert_int_equal(fb->red_position, 11);
    assert_int_equal(fb->green_size, 6);
    before(NULL);
    mode.PixelFormat = PixelBltOnly;
    fake.mode = &mode;
    boots();
    assert_int_equal(space()->record.framebuffer.kind, FRAMEBUFFER_NONE);
}

static void secure_boot(void **state)
{
    static const struct {
        const char *secure, *setup;
        enum secure_boot is;
    } cases[] = {{NULL, NULL, SECURE_BOOT_OFF}, {"1", "0", SECURE_BOOT_ON},
                 {"1", "1", SECURE_BOOT_OFF},   {"0", "0", SECURE_BOOT_OFF},
                 {"1", NULL, SECURE_BOOT_OFF},  {"11", "0", SECURE_BOOT_OFF}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        before(NULL);
        fake.secure_boot = cases[i].secure;
        fake.setup_mode = cases[i].setup;
        boots();
        assert_int_equal(space()->record.efi.secure_boot, cases[i].is);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, before, NULL)
    const struct CMUnitTest tests[] = {
        TEST(leaves),
        TEST(no_configuration),
        TEST(empty_configuration),
        TEST(unknown_keys),
        TEST(missing_file),
        TEST(unreadable_files),
        TEST(unreadable_volume),
        TEST(bad_paths),
        TEST(from_network),
        TEST(too_large),
        TEST(no_memory),
        TEST(map_changes),
        TEST(entries),
        TEST(menu),
        TEST(bad_load_options),
        TEST(good_load_options),
        TEST(image_too_high),
        TEST(embedded),
        TEST(framebuffer),
        TEST(secure_boot),
    };
    return cmocka_run_group_tests(tests, make_guest, free_guest);
}
