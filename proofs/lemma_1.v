(* Lemma 1: the robust set is a half-space within the ball. *)
Require Export game.

Section Lemma_1.
Context {G : game}.
Implicit Types x v : space G.

(* The left side of Eq. (3). *)
Definition slack x v : R :=
  sgn (f x) * (f x + dot (gradient x) v) - attack_budget G * norm (gradient x).

Lemma sgn_squared r : r <> 0 -> sgn r * sgn r = 1.
Proof. unfold sgn; repeat destruct Rlt_dec; lra. Qed.

Lemma sgn_bound r : Rabs (sgn r) <= 1.
Proof. unfold sgn, Rabs; repeat destruct Rlt_dec; destruct Rcase_abs; lra. Qed.

Lemma sgn_abs r : sgn r * r = Rabs r.
Proof. unfold sgn, Rabs; repeat destruct Rlt_dec; destruct Rcase_abs; lra. Qed.

Lemma label_survives x a v :
  utility x a v = -1 <->
  f x <> 0 /\
  0 <= sgn (f x) * (f x + dot (gradient x) v) + sgn (f x) * dot (gradient x) a.
Proof.
  unfold utility, flip; rewrite tangent_at, Rmult_plus_distr_l.
  destruct Req_EM_T; [split; [lra | now intros []] |].
  destruct Rle_dec; split; auto; try lra; now intros [].
Qed.

Lemma fgm_in_ball x : in_ball (attack_budget G) (fgm_step x).
Proof.
  pose proof (attack_budget_nonneg G) as budget.
  unfold in_ball, fgm_step.
  destruct Req_EM_T as [| slope]; [now rewrite norm_of_zero |].
  pose proof (norm_nonneg (gradient x)).
  rewrite norm_scale, Rabs_Ropp; unfold Rdiv.
  rewrite !Rabs_mult, Rabs_inv, (Rabs_right (norm _)) by lra.
  rewrite (Rabs_right (attack_budget G)) by lra.
  replace (_ * _ * norm _) with (attack_budget G * Rabs (sgn (f x))) by (field; auto).
  pose proof (sgn_bound (f x)); nra.
Qed.

Lemma fgm_effect x : f x <> 0 ->
  sgn (f x) * dot (gradient x) (fgm_step x)
  = - (attack_budget G * norm (gradient x)).
Proof.
  intros label; unfold fgm_step; destruct Req_EM_T as [flat | slope].
  - rewrite dot_zero, flat; ring.
  - rewrite dot_scale, <- norm_squared.
    transitivity (- (sgn (f x) * sgn (f x)) * (attack_budget G * norm (gradient x))).
    + field; auto.
    + rewrite sgn_squared by auto; ring.
Qed.

(* No attack within the budget lowers the tangent's margin by more. *)
Lemma attack_effect x a : in_ball (attack_budget G) a ->
  - (attack_budget G * norm (gradient x)) <= sgn (f x) * dot (gradient x) a.
Proof.
  unfold in_ball; intros short; pose proof (cauchy_schwarz (gradient x) a) as h.
  pose proof (norm_nonneg (gradient x)); revert h; unfold Rabs, sgn.
  destruct Rcase_abs; repeat destruct Rlt_dec; nra.
Qed.

Theorem lemma_1 x v :
  robust_set x v <-> in_ball (defense_budget G) v /\ f x <> 0 /\ 0 <= slack x v.
Proof.
  unfold robust_set, slack; split.
  - intros [inside safe]; split; [exact inside |].
    destruct (proj1 (label_survives _ _ _) (safe _ (fgm_in_ball x))) as [label kept].
    rewrite (fgm_effect x label) in kept; split; [auto | lra].
  - intros [inside [label enough]]; split; [exact inside |].
    intros a short; apply label_survives; split; [exact label |].
    pose proof (attack_effect x a short); lra.
Qed.

(* Where f(x) = 0 there is no label to keep. *)
Corollary lemma_1_unlabeled x v : f x = 0 -> ~ robust_set x v.
Proof. intros none; rewrite lemma_1; tauto. Qed.

(* A zero gradient moves nothing: the robust set is all of V. *)
Corollary lemma_1_flat x v : f x <> 0 -> gradient x = zero ->
  robust_set x v <-> in_ball (defense_budget G) v.
Proof.
  intros label flat; rewrite lemma_1; unfold slack.
  rewrite flat, norm_of_zero, dot_comm, dot_zero, Rplus_0_r, sgn_abs.
  pose proof (Rabs_pos (f x)); split; [tauto |]; repeat split; auto; lra.
Qed.

(* The rows of Eq. (7): c = sgn(f(x)) grad f(x), b = |f(x)| - eps ||grad f(x)||. *)
Corollary lemma_1_row x v : slack x v =
  dot (scale (sgn (f x)) (gradient x)) v
  + (Rabs (f x) - attack_budget G * norm (gradient x)).
Proof. unfold slack; rewrite dot_scale_left, <- sgn_abs; ring. Qed.

Definition robust_dec x v : {robust_set x v} + {~ robust_set x v}.
Proof.
  pose proof (lemma_1 x v) as same; unfold in_ball in same.
  destruct (Rle_dec (norm v) (defense_budget G)); [| right; tauto].
  destruct (Req_EM_T (f x) 0); [right; tauto |].
  destruct (Rle_dec 0 (slack x v)); [left | right]; tauto.
Defined.
End Lemma_1.
