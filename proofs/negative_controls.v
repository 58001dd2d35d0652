(* What fails when an assumption is removed: counterexamples on the line. *)
From Coq Require Import List.
Require Export finite.

Definition point (r : R) : real_space 1 := (r, tt).

Lemma halves : are_weights ((/ 2, point 1) :: (/ 2, point (-1)) :: nil).
Proof. split; [repeat constructor |]; simpl; lra. Qed.

Lemma budget : 0 <= 5 / 4. Proof. lra. Qed.

(* f(x) = x, inputs 1 and -1 with equal weights, both budgets 5/4. *)
Definition line : game :=
  {| space := real_space 1; f := fun x => fst x; gradient := fun _ => point 1;
     attack_budget_nonneg := budget; defense_budget_nonneg := budget;
     inputs := mixture _ halves |}.

Lemma length_on_line r : norm (point r) = Rabs r.
Proof. unfold norm; simpl; rewrite Rplus_0_r; apply sqrt_Rsqr_abs. Qed.

Lemma in_budget r : - (5 / 4) <= r <= 5 / 4 -> in_ball (5 / 4) (point r).
Proof. intros; unfold in_ball; rewrite length_on_line; now apply Rabs_le. Qed.

Definition constant r (short : - (5 / 4) <= r <= 5 / 4) : defense line :=
  exist _ (point r) (in_budget r short).

Lemma sgn_positive r : 0 < r -> sgn r = 1.
Proof. unfold sgn; destruct Rlt_dec; lra. Qed.

Lemma sgn_negative r : r < 0 -> sgn r = -1.
Proof. unfold sgn; repeat destruct Rlt_dec; lra. Qed.

Lemma fgm_at (r : R) : fgm_step (G := line) (point r) = point (- (5 / 4 * sgn r)).
Proof.
  unfold fgm_step; change (gradient _) with (point 1).
  rewrite length_on_line, Rabs_R1; destruct Req_EM_T; [lra |].
  unfold point; simpl; f_equal; field.
Qed.

Lemma utility_at r (a v : space line) : r = 1 \/ r = -1 ->
  utility (G := line) (point r) a v
  = if Rle_dec 0 (1 + r * (fst v + fst a)) then -1 else 1.
Proof.
  unfold utility, flip; rewrite tangent_at; unfold point; simpl.
  intros [-> | ->]; [rewrite sgn_positive by lra | rewrite sgn_negative by lra];
    destruct Req_EM_T; repeat destruct Rle_dec; lra.
Qed.

(* A step of c times FGM. *)
Definition scaled_fgm (c : R) (short : -1 <= c <= 1) : attack line.
Proof.
  exists (fun x => scale c (fgm_step x)); intro x; unfold in_ball; rewrite norm_scale.
  pose proof (fgm_in_ball x) as h; unfold in_ball in h.
  pose proof (norm_nonneg (fgm_step x)).
  apply Rabs_le in short; pose proof (Rabs_pos c); nra.
Defined.

(* Each case is decided by comparing numbers. *)
Ltac compute_utilities :=
  unfold payoff, payoff_by, score_by; simpl;
  rewrite ?fgm_at, ?utility_at by auto; simpl;
  repeat match goal with
  | |- context [sgn ?r] =>
    (rewrite (sgn_positive r) by lra) || (rewrite (sgn_negative r) by lra)
  end;
  repeat (destruct Rle_dec; try lra).

Lemma quarter : - (5 / 4) <= 1 / 4 <= 5 / 4. Proof. lra. Qed.
Lemma middle : - (5 / 4) <= 0 <= 5 / 4. Proof. lra. Qed.

Lemma quarter_is_best : best (constant (1 / 4) quarter).
Proof.
  intro v; set (u := constant (1 / 4) quarter).
  enough (score_by utility fgm u <= score_by utility fgm v) as h.
  - rewrite !score_is_coverage in h by easy; lra.
  - compute_utilities.
Qed.

(* The control: the pair of Theorem 1. *)
Example fgm_in_equilibrium :
  equilibrium (pure fgm) (pure (constant (1 / 4) quarter)).
Proof. eapply theorem_1; [easy | | apply pure_is_smooth]; exact quarter_is_best. Qed.

Ltac attacker_leaves :=
  intros [no_gain _]; specialize (no_gain (pure fgm));
  revert no_gain; compute_utilities.

Example wrong_sign (short : -1 <= -1 <= 1) :
  ~ equilibrium (pure (scaled_fgm (-1) short)) (pure (constant (1 / 4) quarter)).
Proof. attacker_leaves. Qed.

Example half_the_budget (short : -1 <= 1 / 2 <= 1) :
  ~ equilibrium (pure (scaled_fgm (1 / 2) short)) (pure (constant (1 / 4) quarter)).
Proof. attacker_leaves. Qed.

Example off_the_maximizers : ~ equilibrium (pure fgm) (pure (constant 0 middle)).
Proof.
  intros [_ no_gain]; specialize (no_gain (pure (constant (1 / 4) quarter))).
  revert no_gain; unfold defender_payoff; compute_utilities.
Qed.

(* Sec. 2 gives the defender x + a(x); if he used it, Lemma 2 would fail. *)
Definition reacting_payoff (d : space line -> space line) (a : attack line) : R :=
  mean (inputs line) (fun x => utility x (moves a x) (d (add x (moves a x)))).

Example reacting_defender (short : -1 <= 0 <= 1) :
  exists d, (forall y, in_ball (5 / 4) (d y)) /\
    reacting_payoff d fgm < reacting_payoff d (scaled_fgm 0 short).
Proof.
  exists (fun y => point (- (5 / 4 * sgn (fst y)))); split.
  - intro y; apply in_budget; unfold sgn; repeat destruct Rlt_dec; lra.
  - unfold reacting_payoff; compute_utilities.
Qed.

(* Scored against labels, and f wrong at both inputs: FGM mends the mistakes. *)
Definition payoff_by_labels (label : space line -> R) (a : attack line) : R :=
  mean (inputs line) (fun x => flip (label x) (tangent x (add x (moves a x)))).

Example misclassified_inputs (short : -1 <= 0 <= 1) :
  payoff_by_labels (fun x => - sgn (f x)) fgm
  < payoff_by_labels (fun x => - sgn (f x)) (scaled_fgm 0 short).
Proof.
  unfold payoff_by_labels, tangent, flip; compute_utilities.
  repeat destruct Req_EM_T; lra.
Qed.
