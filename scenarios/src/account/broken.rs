//! The bugs. A validator that changes state: it does not run in a replay. A run that ends while handlers run: their callers
//! never hear what they did. The third bug is not the workflow's: customers who ask again under another id
//! ([`super::simulation_of_hasty_customers`]).

use std::sync::atomic::{AtomicI64, Ordering};

use super::*;

/// Its validator sets the money aside.
pub mod reserving {
    use super::*;

    /// The workflow, under the same name.
    #[workflow]
    pub struct Account {
        balance_cents: AtomicI64,
        payments: Payments,
        is_closed: bool,
    }

    #[workflow_methods]
    impl Account {
        #[init]
        fn new(_ctx: &WorkflowContextView, opening: Opening) -> Self {
            Self {
                balance_cents: AtomicI64::new(opening.balance_cents),
                payments: Payments::after(opening.paid),
                is_closed: false,
            }
        }

        /// Until the account is closed. Returns the balance, in cents.
        #[run(name = "Account")]
        pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<i64> {
            ctx.wait_condition(|this| this.is_closed || this.payments.are_many()).await?;
            while !ctx.all_handlers_finished() {
                ctx.timer(Duration::from_secs(1)).await;
            }
            let (balance_cents, paid, is_closed) =
                ctx.state(|this| (this.balance_cents(), this.payments.hand_on(), this.is_closed));
            if is_closed {
                return Ok(balance_cents);
            }
            match ctx.continue_as_new(Opening { balance_cents, paid }, ContinueAsNewOptions::default())? {}
        }

        /// Money comes in. Returns the balance, in cents.
        #[update]
        pub fn pay_in(&mut self, _ctx: &mut SyncWorkflowContext<Self>, payment: Payment) -> i64 {
            if self.payments.begin(&payment) {
                self.balance_cents.fetch_add(payment.cents, Ordering::Relaxed);
            }
            self.balance_cents()
        }

        /// Money goes out. Returns the balance, in cents; none if the payment was not made.
        #[update]
        pub async fn pay_out(ctx: &mut WorkflowContext<Self>, payment: Payment) -> Option<i64> {
            if ctx.state_mut(|this| this.payments.begin(&payment)) {
                ctx.execute_activity(Counter::hand_over, payment, until_handed_over()).await.ok()?;
            }
            Some(ctx.state(Self::balance_cents))
        }

        /// The bug: nobody else may take the money meanwhile, so it is set aside here.
        #[update_validator(pay_out)]
        fn check_pay_out(&self, _ctx: &WorkflowContextView, payment: &Payment) -> Result<(), Box<dyn Error + Send + Sync>> {
            if !self.payments.has(payment) && payment.cents > self.balance_cents() {
                return Err(NOT_COVERED.into());
            }
            if !self.payments.has(payment) {
                self.balance_cents.fetch_sub(payment.cents, Ordering::Relaxed);
            }
            Ok(())
        }

        /// The bank pays interest.
        #[signal]
        pub fn interest(&mut self, _ctx: &mut SyncWorkflowContext<Self>, cents: i64) {
            self.balance_cents.fetch_add(cents, Ordering::Relaxed);
        }

        /// The account is to be closed.
        #[signal]
        pub fn close(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
            self.is_closed = true;
        }
    }

    impl Account {
        fn balance_cents(&self) -> i64 {
            self.balance_cents.load(Ordering::Relaxed)
        }
    }

    /// A worker with this workflow, and the same activities.
    ///
    /// # Errors
    /// Only if a workflow is registered twice, which cannot happen.
    pub fn worker(till: &Till) -> Result<WorkerOptions, WorkflowRegistrationError> {
        let options = WorkerOptions::new(TASK_QUEUE)
            .deployment_options(WorkerDeploymentOptions::from_build_id("accounts-reserving".to_owned()))
            .register_workflow::<Account>()?
            .register_activities(Counter { till: till.clone() })
            .build();
        Ok(options)
    }
}

/// Its runs end while payments are being made.
pub mod unfinished {
    use super::*;

    /// The workflow, under the same name.
    #[workflow]
    pub struct Account {
        balance_cents: i64,
        payments: Payments,
        is_closed: bool,
    }

    #[workflow_methods]
    impl Account {
        #[init]
        fn new(_ctx: &WorkflowContextView, opening: Opening) -> Self {
            Self { balance_cents: opening.balance_cents, payments: Payments::after(opening.paid), is_closed: false }
        }

        /// The bug: nothing waits for the handlers that run.
        #[run(name = "Account")]
        pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<i64> {
            ctx.wait_condition(|this| this.is_closed || this.payments.are_many()).await?;
            let (balance_cents, paid, is_closed) =
                ctx.state(|this| (this.balance_cents, this.payments.hand_on(), this.is_closed));
            if is_closed {
                return Ok(balance_cents);
            }
            match ctx.continue_as_new(Opening { balance_cents, paid }, ContinueAsNewOptions::default())? {}
        }

        /// Money comes in. Returns the balance, in cents.
        #[update]
        pub fn pay_in(&mut self, _ctx: &mut SyncWorkflowContext<Self>, payment: Payment) -> i64 {
            if self.payments.begin(&payment) {
                self.balance_cents += payment.cents;
            }
            self.balance_cents
        }

        /// Money goes out. Returns the balance, in cents; none if the payment was not made.
        #[update]
        pub async fn pay_out(ctx: &mut WorkflowContext<Self>, payment: Payment) -> Option<i64> {
            let is_new = ctx.state_mut(|this| {
                let is_new = this.payments.begin(&payment);
                if is_new {
                    this.balance_cents -= payment.cents;
                }
                is_new
            });
            if is_new {
                ctx.execute_activity(Counter::hand_over, payment, until_handed_over()).await.ok()?;
            }
            Some(ctx.state(|this| this.balance_cents))
        }

        /// Nobody takes more than there is.
        #[update_validator(pay_out)]
        fn check_pay_out(&self, _ctx: &WorkflowContextView, payment: &Payment) -> Result<(), Box<dyn Error + Send + Sync>> {
            if !self.payments.has(payment) && payment.cents > self.balance_cents {
                return Err(NOT_COVERED.into());
            }
            Ok(())
        }

        /// The bank pays interest.
        #[signal]
        pub fn interest(&mut self, _ctx: &mut SyncWorkflowContext<Self>, cents: i64) {
            self.balance_cents += cents;
        }

        /// The account is to be closed.
        #[signal]
        pub fn close(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
            self.is_closed = true;
        }
    }

    /// A worker with this workflow, and the same activities.
    ///
    /// # Errors
    /// Only if a workflow is registered twice, which cannot happen.
    pub fn worker(till: &Till) -> Result<WorkerOptions, WorkflowRegistrationError> {
        let options = WorkerOptions::new(TASK_QUEUE)
            .deployment_options(WorkerDeploymentOptions::from_build_id("accounts-unfinished".to_owned()))
            .register_workflow::<Account>()?
            .register_activities(Counter { till: till.clone() })
            .build();
        Ok(options)
    }
}
