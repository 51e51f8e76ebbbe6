//! The bugs. A validator that changes state: it does not run in a replay. A run that ends while handlers run: their callers
//! never hear what they did. The third bug is not the workflow's: customers who ask again under another id
//! ([`super::simulation_of_hasty_customers`]).

use super::*;

/// Its validator sets the money aside.
pub mod reserving {
    use super::*;

    /// The workflow, under the same name.
    #[workflow]
    pub struct Account {
        book: Mutex<Book>,
        is_closed: bool,
    }

    #[workflow_methods]
    impl Account {
        #[init]
        fn new(_ctx: &WorkflowContextView, opening: Opening) -> Self {
            Self { book: Mutex::new(Book::open(opening)), is_closed: false }
        }

        /// Until the account is closed. Returns the balance, in cents.
        #[run(name = "Account")]
        pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<i64> {
            ctx.wait_condition(|this| this.is_closed || this.book().is_full()).await?;
            while !ctx.all_handlers_finished() {
                ctx.timer(Duration::from_secs(1)).await;
            }
            let (next, is_closed) = ctx.state(|this| (this.book().hand_on(), this.is_closed));
            if is_closed {
                return Ok(next.balance_cents);
            }
            match ctx.continue_as_new(next, ContinueAsNewOptions::default())? {}
        }

        /// Money comes in. Returns the balance, in cents.
        #[update]
        pub fn pay_in(&mut self, _ctx: &mut SyncWorkflowContext<Self>, payment: Payment) -> i64 {
            self.book().pay_in(&payment)
        }

        /// Money goes out. Returns the balance, in cents; none if the payment was not made.
        #[update]
        pub async fn pay_out(ctx: &mut WorkflowContext<Self>, payment: Payment) -> Option<i64> {
            if ctx.state(|this| this.book().enter(&payment)) {
                ctx.execute_activity(Counter::hand_over, payment, until_handed_over()).await.ok()?;
            }
            Some(ctx.state(|this| this.book().balance_cents))
        }

        /// The bug: nobody else may take the money meanwhile, so it is set aside here.
        #[update_validator(pay_out)]
        fn check_pay_out(&self, _ctx: &WorkflowContextView, payment: &Payment) -> Result<(), Box<dyn Error + Send + Sync>> {
            let mut book = self.book();
            book.check(payment)?;
            if book.is_new(payment) {
                book.balance_cents -= payment.cents;
            }
            Ok(())
        }

        /// The bank pays interest.
        #[signal]
        pub fn interest(&mut self, _ctx: &mut SyncWorkflowContext<Self>, cents: i64) {
            self.book().balance_cents += cents;
        }

        /// The account is to be closed.
        #[signal]
        pub fn close(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
            self.is_closed = true;
        }
    }

    impl Account {
        fn book(&self) -> MutexGuard<'_, Book> {
            self.book.lock().unwrap_or_else(PoisonError::into_inner)
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
        book: Book,
        is_closed: bool,
    }

    #[workflow_methods]
    impl Account {
        #[init]
        fn new(_ctx: &WorkflowContextView, opening: Opening) -> Self {
            Self { book: Book::open(opening), is_closed: false }
        }

        /// The bug: nothing waits for the handlers that run.
        #[run(name = "Account")]
        pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<i64> {
            ctx.wait_condition(|this| this.is_closed || this.book.is_full()).await?;
            let (next, is_closed) = ctx.state(|this| (this.book.hand_on(), this.is_closed));
            if is_closed {
                return Ok(next.balance_cents);
            }
            match ctx.continue_as_new(next, ContinueAsNewOptions::default())? {}
        }

        /// Money comes in. Returns the balance, in cents.
        #[update]
        pub fn pay_in(&mut self, _ctx: &mut SyncWorkflowContext<Self>, payment: Payment) -> i64 {
            self.book.pay_in(&payment)
        }

        /// Money goes out. Returns the balance, in cents; none if the payment was not made.
        #[update]
        pub async fn pay_out(ctx: &mut WorkflowContext<Self>, payment: Payment) -> Option<i64> {
            if ctx.state_mut(|this| this.book.set_aside(&payment)) {
                ctx.execute_activity(Counter::hand_over, payment, until_handed_over()).await.ok()?;
            }
            Some(ctx.state(|this| this.book.balance_cents))
        }

        /// Nobody takes more than there is.
        #[update_validator(pay_out)]
        fn check_pay_out(&self, _ctx: &WorkflowContextView, payment: &Payment) -> Result<(), Box<dyn Error + Send + Sync>> {
            self.book.check(payment)
        }

        /// The bank pays interest.
        #[signal]
        pub fn interest(&mut self, _ctx: &mut SyncWorkflowContext<Self>, cents: i64) {
            self.book.balance_cents += cents;
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
