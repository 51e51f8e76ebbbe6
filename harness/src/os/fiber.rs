//! Switches from one stack and its thread-locals to another, within one OS thread. Only on x86-64, where a program may set the
//! base of its thread-locals itself (FSGSBASE: processors of the last ten years, Linux 5.9 and newer). Elsewhere it is
//! impossible, and each thread runs its own code.

pub(super) use machine::{Context, is_possible, switch};

#[cfg(target_arch = "x86_64")]
mod machine {
    use std::{
        arch::{asm, naked_asm},
        ffi::c_void,
    };

    /// Where suspended code goes on.
    #[repr(C)]
    #[derive(Debug, Default)]
    pub(in crate::os) struct Context {
        /// Its stack, with the registers that a call preserves on top.
        stack: usize,
        /// The base of its thread-locals.
        locals: usize,
    }

    /// Whether the system lets a program set the base of its thread-locals.
    pub(in crate::os) fn is_possible() -> bool {
        const HWCAP2_FSGSBASE: u64 = 1 << 1;
        // SAFETY: a question without a precondition.
        unsafe { libc::getauxval(libc::AT_HWCAP2) & HWCAP2_FSGSBASE != 0 }
    }

    /// The registers of a new context, as [`switch`] takes them from its stack.
    #[repr(C)]
    struct Frame {
        floating_point: u64,
        r15: usize,
        r14: usize,
        r13: usize,
        r12: usize,
        rbx: usize,
        rbp: usize,
        returns_to: usize,
        /// Where the outermost function would return to: nowhere.
        end: [usize; 2],
    }

    /// As a program starts: no floating point exception, 64 bits of precision.
    const FLOATING_POINT: u64 = 0x1f80 | 0x037f << 32;

    impl Context {
        /// The context of the calling thread, so far with its thread-locals only.
        pub(in crate::os) fn here() -> Self {
            let locals;
            // SAFETY: the ABI has the address of the thread-locals' base at that base.
            unsafe { asm!("mov {}, fs:0", out(reg) locals, options(nostack, readonly, preserves_flags)) };
            Self { stack: 0, locals }
        }

        /// A context that runs `work(argument)` with the calling thread's locals. It runs on that thread's stack, `gap_bytes`
        /// below what is in use now.
        ///
        /// # Safety
        /// The stack must have room for that gap and for the work. The thread must only wait until the work is over.
        pub(in crate::os) unsafe fn below(gap_bytes: usize, work: extern "C" fn(*mut c_void), argument: *mut c_void) -> Self {
            let in_use = 0_u8;
            let top = ((&raw const in_use) as usize - gap_bytes) & !15;
            let frame = (top - size_of::<Frame>()) as *mut Frame;
            let new = Frame {
                floating_point: FLOATING_POINT,
                r15: 0,
                r14: 0,
                r13: work as usize,
                r12: argument as usize,
                rbx: 0,
                rbp: 0,
                returns_to: begin as *const () as usize,
                end: [0; 2],
            };
            // SAFETY: within the thread's own stack, in a part that is not in use.
            unsafe { frame.write(new) };
            Self { stack: frame as usize, ..Self::here() }
        }
    }

    /// Suspends the running code in `from` and goes on with `to`. Returns when someone switches back.
    ///
    /// # Safety
    /// `to` was suspended by this function or made by [`Context::below`], and nobody else goes on with it.
    #[unsafe(naked)]
    pub(in crate::os) unsafe extern "C" fn switch(from: *mut Context, to: *const Context) {
        naked_asm!(
            "push rbp",
            "push rbx",
            "push r12",
            "push r13",
            "push r14",
            "push r15",
            "sub rsp, 8",
            "stmxcsr [rsp]",
            "fnstcw [rsp + 4]",
            "mov [rdi], rsp",
            "mov rsp, [rsi]",
            "mov rax, [rsi + 8]",
            "wrfsbase rax",
            "fldcw [rsp + 4]",
            "ldmxcsr [rsp]",
            "add rsp, 8",
            "pop r15",
            "pop r14",
            "pop r13",
            "pop r12",
            "pop rbx",
            "pop rbp",
            "ret",
        )
    }

    /// The start of a new context: calls its work, which never returns.
    #[unsafe(naked)]
    unsafe extern "C" fn begin() {
        naked_asm!("mov rdi, r12", "call r13", "ud2")
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod machine {
    use std::ffi::c_void;

    #[derive(Debug, Default)]
    pub(in crate::os) struct Context;

    impl Context {
        pub(in crate::os) fn here() -> Self {
            Self
        }

        pub(in crate::os) unsafe fn below(_: usize, _: extern "C" fn(*mut c_void), _: *mut c_void) -> Self {
            Self
        }
    }

    pub(in crate::os) fn is_possible() -> bool {
        false
    }

    pub(in crate::os) unsafe extern "C" fn switch(_: *mut Context, _: *const Context) {
        unreachable!("nothing is carried on this processor");
    }
}
